"""The glossary of the diagnostics' figures."""

from __future__ import annotations

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from ...core.stream.builtin_experiments import LENET
from ...core.stream.experiment_info import ExperimentInfo
from ..diagnostics.glossary import NOTATION, terms
from ..text.number_format import in_ascii
from .page import Page


class FiguresScreen(Page):
    """One paragraph per figure: label, unit, meaning and formula."""

    HEADING = "Glossary of the diagnostics"

    def __init__(self, experiment: ExperimentInfo = LENET.info, *, ascii: bool) -> None:
        super().__init__()
        self._experiment = experiment
        self._charset = in_ascii if ascii else str

    def _content(self) -> Group:
        paragraphs = (_paragraph(*map(self._charset, term)) for term in terms(self._experiment))
        return Group(Text(self._charset(NOTATION)), *paragraphs)


def _paragraph(name: str, unit: str, meaning: str, formula: str) -> Group:
    head = Text.assemble("\n", (name, "bold"), f"  {unit}")
    return Group(head, Padding(Text.assemble(meaning, "\n", (formula, "italic")), (0, 0, 0, 2)))

"""The help screen: how to read the screen, and all keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...core.safe_text import printable
from ...core.stream.builtin_experiments import LENET
from ...core.stream.experiment_info import ExperimentInfo
from ...core.stream.sweep_config import SEEDS
from ..view.key import Key
from ..view.keys import KEYS
from .page import Page

_ABOUT = (
    "A lane is one training run. All lanes start from the same weights and train on the same batches; they differ only "
    "in their clip rule and in what is named beside it. A fork is a lane that begins with the state of another one. "
    "Below a lane's name: the sentence that explains it most{gauges}. Faint curves: raw values; {metrics}. Bold "
    "curves: smoothed. An arrow at an edge: a value beyond the scale. A cross: NaN, infinity or the end of a lane that "
    "failed. A dotted vertical line: a fork, or a change of rule or learning rate, after which the lanes are no longer "
    "a clean comparison; the strip named optimizer memory covers the steps in which Adam's second moment still adapts "
    "to another rule. One seed is not enough for a conclusion: n runs another, S runs {seeds}."
)
_ABOUT_WATCHED = (
    "A lane is one optimizer of the loop. Below its name: what the audit found, or else what clipping does to its "
    "gradients. Steps count from 0. Faint curves: raw values. Bold curves: smoothed. An arrow at an edge: a value "
    "beyond the scale. A cross: NaN, infinity or the end of a lane that failed. A dotted vertical line: a change of "
    "rule or learning rate; the strip named optimizer memory covers the steps in which Adam's second moment still "
    "adapts to another rule. Each key that steers takes effect between two steps."
)
_OUTPUTS = ", and its outputs, of which a dead one is a dot"
_ON_IMAGES = (
    "accuracy and validation loss are measured on 100 images each (at 90 % accuracy, the standard error is 3 "
    "percentage points)"
)
_ON_ONE_BATCH = "the validation loss and the metrics are measured on one validation batch"


def about_run(experiment: ExperimentInfo | None, *, watched: bool = False) -> Text:
    """How to read the screen; None before it is known what is trained. `watched`: by a loop that is not ours."""
    if watched:
        return Text(_ABOUT_WATCHED)
    if experiment is None:
        return Text(_ABOUT.format(gauges="", metrics=_ON_ONE_BATCH, seeds=SEEDS))
    if experiment.name == LENET.info.name:
        return Text(_ABOUT.format(gauges=_OUTPUTS, metrics=_ON_IMAGES, seeds=SEEDS))
    words = [info.words for info in experiment.metrics]
    measured = (
        f"{' and '.join([*words, 'validation loss'])} {'are' if words else 'is'} measured on one validation batch"
    )
    gauges = f", and {' and '.join(gauge.words for gauge in experiment.gauges)}" if experiment.gauges else ""
    return Text(_ABOUT.format(gauges=gauges, metrics=measured, seeds=SEEDS))


ABOUT = about_run(LENET.info)
MOUSE = {
    "click": "Select a lane, press a key of the last line, or put the cursor into a chart",
    "drag": "Show only these steps of a chart, or select text in a log (ctrl+c copies it)",
    "double click": "Show the whole run",
    "wheel": "Zoom a chart at the pointer, or scroll a log",
}


class HelpScreen(Page):
    """How to read the screen, then what the mouse does, then the keys by group."""

    def __init__(
        self,
        keymap: Mapping[str, str],
        *,
        keys: Sequence[Key] = KEYS,
        about: RenderableType = ABOUT,
        mouse: Mapping[str, str] = MOUSE,
    ) -> None:
        super().__init__()
        self._keymap, self._keys, self._about, self._mouse = keymap, keys, about, mouse

    def _content(self) -> Group:
        table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        if self._mouse:
            table.add_row(*_heading("Mouse"))
        for gesture, meaning in self._mouse.items():
            table.add_row(f"  {gesture}", meaning)
        group = ""
        for key in self._keys:
            if key.group != group:
                table.add_row(*_heading(key.group))
                group = key.group
            table.add_row(Text(printable(f"  {key.caps(self._keymap)}")), Text(key.tooltip))
        return Group(self._about, table)


def _heading(text: str) -> tuple[Text, str]:
    return Text(text, style="bold underline"), ""

"""The line that stands in every lane's heading: how much is clipped, whether the direction is kept, who is dead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from ...core.stream.state import LaneState
from ..style.theme import Theme
from ..text.notation import UNDEFINED, decimal, in_ascii, share
from ..text.readings import CLASSES, cosine, dead_outputs, extent

DARK = 0.3


@dataclass(frozen=True)
class _Form:
    """How roomy the line is: its labels, the blanks between figures and between cells."""

    labels: dict[str, str]
    gap: int
    between: str


_FORMS = (
    _Form({"saturation": "saturation", "engaged": "engaged", "outputs": "outputs "}, 3, " "),
    _Form({"saturation": "sat", "engaged": "eng", "outputs": ""}, 1, " "),
    _Form({"saturation": "sat", "engaged": "eng", "outputs": ""}, 1, ""),
)


def effect_line(number: int, lane: LaneState, width: int, theme: Theme) -> Strip:
    """The last measurement in one line of exactly `width` cells, as roomy as it goes; of the outputs all or none."""
    strips = (Strip([*_figures(lane, form, theme), *_outputs(number, lane, form, theme)]) for form in _FORMS)
    fitting = next((strip for strip in strips if strip.cell_length <= width), None)
    return (fitting or Strip(list(_figures(lane, _FORMS[-1], theme)))).adjust_cell_length(width, theme.text)


def output_cells(number: int, dead: frozenset[int] | None, between: str, theme: Theme) -> Iterator[Segment]:
    """A cell per class, dark where its output is dead; without colour a dot stands there."""
    if dead is None:
        # As wide as the cells, so that the line keeps its form once there are some.
        yield Segment(_shown(UNDEFINED, theme).ljust(CLASSES + len(between) * (CLASSES - 1)), theme.muted)
        return
    gone = theme.faint(theme.palette.foreground, DARK)
    for output in range(CLASSES):
        text = str(output) if output not in dead or theme.palette.coloured else "." if theme.ascii else "·"
        yield Segment((between if output else "") + text, gone if output in dead else theme.lane(number, bold=True))


def _figures(lane: LaneState, form: _Form, theme: Theme) -> Iterator[Segment]:
    what, value = extent(lane)
    yield Segment(" ", theme.text)
    yield Segment(form.labels[what], theme.muted)
    # As wide whatever it is, so that the line keeps its form.
    yield Segment(_shown(share(value), theme).rjust(5 if form.gap == 1 else 6), theme.text)
    yield Segment(" " * form.gap, theme.text)
    yield Segment("cos ", theme.muted)
    yield Segment(_shown(decimal(cosine(lane)), theme).rjust(4), theme.text)


def _outputs(number: int, lane: LaneState, form: _Form, theme: Theme) -> Iterator[Segment]:
    yield Segment(" " * form.gap, theme.text)
    yield Segment(form.labels["outputs"], theme.muted)
    yield from output_cells(number, dead_outputs(lane), form.between, theme)


def _shown(text: str, theme: Theme) -> str:
    return in_ascii(text) if theme.ascii else text

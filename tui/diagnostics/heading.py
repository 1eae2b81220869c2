"""The line that stands in every lane's heading: how much is clipped, whether the direction is kept, who is dead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from ...core.state import LaneState
from ..look import Look
from ..notation import UNDEFINED, decimal, in_ascii, share
from .readings import CLASSES, cosine, dead_outputs, extent

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


def effect_line(number: int, lane: LaneState, width: int, look: Look) -> Strip:
    """The last measurement in one line of exactly `width` cells, as roomy as it goes; of the outputs all or none."""
    strips = (Strip([*_figures(lane, form, look), *_outputs(number, lane, form, look)]) for form in _FORMS)
    fitting = next((strip for strip in strips if strip.cell_length <= width), None)
    return (fitting or Strip(list(_figures(lane, _FORMS[-1], look)))).adjust_cell_length(width, look.text)


def output_cells(number: int, dead: frozenset[int] | None, between: str, look: Look) -> Iterator[Segment]:
    """A cell per class, dark where its output is dead; without colour a dot stands there."""
    if dead is None:
        # As wide as the cells, so that the line keeps its form once there are some.
        yield Segment(_shown(UNDEFINED, look).ljust(CLASSES + len(between) * (CLASSES - 1)), look.muted)
        return
    gone = look.faint(look.palette.foreground, DARK)
    for output in range(CLASSES):
        text = str(output) if output not in dead or look.palette.coloured else "." if look.ascii else "·"
        yield Segment((between if output else "") + text, gone if output in dead else look.lane(number, bold=True))


def _figures(lane: LaneState, form: _Form, look: Look) -> Iterator[Segment]:
    what, value = extent(lane)
    yield Segment(" ", look.text)
    yield Segment(form.labels[what], look.muted)
    # As wide whatever it is, so that the line keeps its form.
    yield Segment(_shown(share(value), look).rjust(5 if form.gap == 1 else 6), look.text)
    yield Segment(" " * form.gap, look.text)
    yield Segment("cos ", look.muted)
    yield Segment(_shown(decimal(cosine(lane)), look).rjust(4), look.text)


def _outputs(number: int, lane: LaneState, form: _Form, look: Look) -> Iterator[Segment]:
    yield Segment(" " * form.gap, look.text)
    yield Segment(form.labels["outputs"], look.muted)
    yield from output_cells(number, dead_outputs(lane), form.between, look)


def _shown(text: str, look: Look) -> str:
    return in_ascii(text) if look.ascii else text

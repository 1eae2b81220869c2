"""What the mouse does in a chart: gestures made from columns, and the columns that a drag highlights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..charts.area import Area

# A press and a release fewer columns apart are a click.
MIN_DRAG = 2
# The factor by which one notch of the wheel changes the number of steps shown, and the share by which it moves them.
WHEEL_ZOOM, WHEEL_PAN = 0.8, 0.1


@dataclass(frozen=True)
class Point:
    """The pointer is at a step; None: it has left the chart."""

    step: int | None


@dataclass(frozen=True)
class Pick:
    """A click on a step."""

    step: int


@dataclass(frozen=True)
class Drag:
    """The button is held, from one step to another."""

    first: int
    last: int


@dataclass(frozen=True)
class Zoom:
    """The button was released after a drag over these steps."""

    first: int
    last: int


@dataclass(frozen=True)
class Wheel:
    """The wheel was turned at a step: show `factor` times as many steps, or move by `share` of them."""

    step: int
    factor: float = 1.0
    share: float = 0.0


@dataclass(frozen=True)
class ShowAll:
    """A double click."""


Gesture = Point | Pick | Drag | Zoom | Wheel | ShowAll


@dataclass(frozen=True)
class Press:
    """The button is held: the column where it was pressed, and the column where the pointer is."""

    start: int
    at: int

    @property
    def columns(self) -> tuple[int, int]:
        """The first and last column."""
        return min(self.start, self.at), max(self.start, self.at)

    @property
    def is_drag(self) -> bool:
        """Whether the pointer has moved too far for a click."""
        return abs(self.at - self.start) >= MIN_DRAG

    def held(self, area: Area) -> Gesture:
        """The gesture while the button is held."""
        first, last = map(area.step, self.columns)
        return Drag(first, last) if self.is_drag else Point(area.step(self.at))

    def released(self, area: Area) -> Gesture:
        """The gesture once the button is released."""
        first, last = map(area.step, self.columns)
        return Zoom(first, last) if self.is_drag else Pick(area.step(self.at))


def evaluation_near(step: int, stride: int, newest: int) -> int:
    """The step of the evaluation nearest to `step`, not after the newest one."""
    return min(newest, max(0, round(step / stride) * stride))


def highlighted(lines: Sequence[Strip], press: Press, area: Area, header: int, style: Style) -> list[Strip]:
    """A chart's lines with the columns of a drag in another style, below the lines of its header."""
    left, right = area.left, area.left + area.width
    first, last = (min(max(column, left), right - 1) for column in press.columns)
    return [*lines[:header], *(_highlighted(line, first, last + 1, style) for line in lines[header:])]


def _highlighted(line: Strip, first: int, end: int, style: Style) -> Strip:
    before, within, after = line.divide([first, end, line.cell_length])
    marked = Strip(Segment.apply_style(within, post_style=style), within.cell_length)
    return Strip.join([before, marked, after])

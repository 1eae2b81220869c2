"""What every part of a lane's page needs: the lane, its last measurement, styles, and lines of exactly the width."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.stream.events import Diagnosed
from ...core.stream.lane_state import LaneState
from ...core.stream.measures import Measure
from ..style.theme import Theme
from .histogram import Ink
from .trend import History, sparkline

# From this width on, labels are spelled out, and the histogram has its counts to its right.
WIDE = 79
# The cells of a figure in a grid of columns, the least of which are for its history.
_COLUMN, _VALUE, _MIN_TREND, _MAX_TREND = 38, 8, 7, 16

Part = tuple[str, Style]


class Figure(NamedTuple):
    """A figure of the page: its label, its value as text, and its earlier values."""

    label: str
    value: str
    earlier: Sequence[float | None] = ()


@dataclass(frozen=True)
class LanePage:
    """A lane with its last measurement, the history of its metrics, and the styles on the screen's background."""

    number: int
    lane: LaneState
    width: int
    theme: Theme
    history: History

    @property
    def measured(self) -> bool:
        """Whether the lane has a measurement."""
        return self.lane.diagnosed is not None

    @property
    def last(self) -> Diagnosed:
        """The last measurement of a lane that has one."""
        assert self.lane.diagnosed
        return self.lane.diagnosed

    @property
    def layers(self) -> dict[str, Measure]:
        """The last measurement by layer."""
        return self.last.layers

    @property
    def total(self) -> Measure:
        """The last measurement of the whole gradient."""
        return self.last.total

    @property
    def wide(self) -> bool:
        """Whether there is room for whole labels."""
        return self.width >= WIDE

    @property
    def text(self) -> Style:
        """Ordinary text."""
        return self.theme.palette.style(self.theme.palette.foreground)

    @property
    def strong(self) -> Style:
        """Emphasized text."""
        return self.theme.palette.style(self.theme.palette.foreground, bold=True)

    @property
    def muted(self) -> Style:
        """Labels."""
        return self.theme.palette.style(self.theme.palette.muted)

    @property
    def faint(self) -> Style:
        """The empty part of a bar."""
        return self.theme.palette.faint(self.theme.palette.muted, 0.35)

    @property
    def warning(self) -> Style:
        """Conclusions."""
        return self.theme.palette.style(self.theme.palette.warning)

    @property
    def curve(self) -> Style:
        """Bars and histories, in the lane's colour."""
        return self.theme.palette.style(self.theme.lane_colour(self.number))

    @property
    def ink(self) -> Ink:
        """The styles of the histogram."""
        palette, colour = self.theme.palette, self.theme.lane_colour(self.number)
        return Ink(
            within=palette.faint(colour, 0.45),
            partly=palette.faint(colour, 0.7),
            beyond=palette.style(colour),
            muted=self.muted,
            ascii=self.theme.ascii,
            coloured=palette.coloured,
        )

    def of(self, metric: str) -> Sequence[float | None]:
        """The earlier values of one of the lane's metrics."""
        return self.history(self.lane.name, metric)

    def trend(self, values: Sequence[float | None], width: int) -> str:
        """A sparkline of exactly `width` cells."""
        return sparkline(values, width, ascii=self.theme.ascii)

    def line(self, *parts: Part) -> Strip:
        """A line of the page: a blank, then the styled parts."""
        segments = [Segment(" ", self.text), *(Segment(self.theme.printable(text), style) for text, style in parts)]
        return Strip(segments).adjust_cell_length(self.width, self.text)

    def sentence(self, figures: Iterable[tuple[str, str]]) -> Iterator[Strip]:
        """Labels with their values, one after the other, in as many lines as they need."""
        parts: list[Part] = []
        for label, value in figures:
            if parts and sum(cell_len(text) for text, _ in parts) + cell_len(f"    {label} {value}") > self.width:
                yield self.line(*parts)
                parts = []
            parts += [(f"{'   ' if parts else ''}{label} ", self.muted), (value, self.text)]
        yield self.line(*parts)

    def grid(self, figures: Sequence[Figure]) -> Iterator[Strip]:
        """Figures with their histories in columns, from left to right."""
        columns = max(2, (self.width - 1) // (_COLUMN + 1))
        cells = (self.width - 1) // columns - 1
        for first in range(0, len(figures), columns):
            row = figures[first : first + columns]
            yield self.line(*(part for figure in row for part in self._cell(figure, cells)))

    def _cell(self, figure: Figure, cells: int) -> Iterator[Part]:
        """Label, value, history and a blank in `cells` + 1 cells."""
        value = _VALUE if cells >= _COLUMN else _VALUE - 1
        trend = max(_MIN_TREND, min(_MAX_TREND, cells - value - 1 - 20))
        label = max(1, cells - value - 1 - trend)
        name = self.theme.glyphs.shortened(self.theme.printable(figure.label), label)
        yield name + " " * (label - cell_len(name)), self.muted
        yield self.theme.printable(figure.value).rjust(value), self.text
        yield f" {self.trend(figure.earlier, trend)} ", self.curve

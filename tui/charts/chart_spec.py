"""The frozen inputs of a chart."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..style.chart_styles import ASCII, UNICODE, Glyphs, Palette
from .curve import Curve


@dataclass(frozen=True)
class ChartLane:
    """One curve of a chart: the lane's name, Rich colour and values; `failed` is the step at which it failed.

    `start`: the step from which the curve is drawn; None: all of it. Its values before count in averages.
    `band` alternates lower and upper edge. It is drawn faintly instead of the raw values, below the curve. `number`
    decides its symbol; None: its place in the chart.
    """

    name: str
    color: str
    curve: Curve
    failed: int | None = None
    band: Curve | None = None
    number: int | None = None
    start: int | None = None


@dataclass(frozen=True)
class Mark:
    """An intervention: its step, the lane's number in the chart, and a short label."""

    step: int
    lane: int
    label: str = ""


@dataclass(frozen=True)
class Level:
    """A horizontal line at a value, such as the bound of a norm rule, in the colour of the lane with this number.

    `label` stands at its right end. The line is drawn over the steps [first, last]; None: from or to the window's edge.
    """

    value: float
    lane: int
    label: str = ""
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Shade:
    """The first and last step of a transient after an intervention, and the lane's number in the chart.

    The chart draws a strip under the curves, labelled "optimizer memory", for each lane that has a transient in sight.
    """

    first: int
    last: int
    lane: int


@dataclass(frozen=True)
class ChartSpec:
    """A chart of `width` by `height` cells over the steps [first, last].

    `bounds` fixes the range of values; None fits it to the visible values, but within `limits` (accuracy: (0, 1)).
    `smoothing` in [0, 1) is the weight of the past in the moving average drawn on top; 0 draws only the values. The
    header shows the values at step `cursor`, or the newest ones if it is None. `decimals` is how many digits after the
    point the values carry (None: as many as fit): 2 for accuracy on 100 images. `percent`: the values are shares and
    are written as percentages. `empty` stands in the middle of a chart without any value.
    `brief` replaces a title that does not fit. `ends_at_step`: the last step is one of the run and has a tick;
    otherwise it is only how far the axis reaches. An axis of something else than steps has this `unit`, which is so
    many steps long (`steps_per_unit`). With `keeps_title`, entries of the legend are left out before the title is.
    """

    title: str
    width: int
    height: int
    lanes: tuple[ChartLane, ...]
    first: int
    last: int
    bounds: tuple[float, float] | None = None
    log: bool = False
    smoothing: float = 0.6
    cursor: int | None = None
    marks: tuple[Mark, ...] = ()
    shades: tuple[Shade, ...] = ()
    levels: tuple[Level, ...] = ()
    limits: tuple[float, float] | None = None
    decimals: int | None = None
    percent: bool = False
    empty: str = ""
    ends_at_step: bool = True
    unit: str = "step"
    steps_per_unit: int = 1
    keeps_title: bool = False
    brief: str = ""
    palette: Palette = field(default_factory=Palette)
    ascii: bool = False

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return ASCII if self.ascii else UNICODE

    def symbol(self, lane: int) -> str:
        """The symbol of the lane at this place."""
        number = self.lanes[lane].number
        return self.glyphs.symbol(lane if number is None else number)

    @property
    def window(self) -> tuple[int, int]:
        """The first and last step, at least one step apart."""
        return self.first, max(self.last, self.first + 1)

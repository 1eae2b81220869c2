"""What a chart shows, as frozen inputs."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..style.palette import ASCII, UNICODE, Glyphs, Palette
from .curve import Curve


@dataclass(frozen=True)
class ChartLane:
    """One curve of a chart: the lane's name, its rich colour, its values; `failed` is the step it failed at.

    A `band`, its edges in turn, is drawn faintly in place of the values, and the values in full above it.
    """

    name: str
    color: str
    curve: Curve
    failed: int | None = None
    band: Curve | None = None


@dataclass(frozen=True)
class Mark:
    """An intervention: the lane (its number in the chart), the step and in few letters what changed."""

    step: int
    lane: int
    label: str = ""


@dataclass(frozen=True)
class Shade:
    """Steps, first and last, in which a lane's optimizer still remembers what was before an intervention."""

    first: int
    last: int
    lane: int


@dataclass(frozen=True)
class ChartSpec:
    """A chart of width by height cells over the steps [first, last].

    `bounds` fixes the range of values (accuracy: (0, 1)); None fits it to what is visible. `smoothing` in [0, 1) is the
    weight of the past in the average drawn on top; 0 draws the values alone. The values at `cursor` replace the latest.
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
    palette: Palette = field(default_factory=Palette)
    ascii: bool = False

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return ASCII if self.ascii else UNICODE

    @property
    def window(self) -> tuple[int, int]:
        """First and last step, at least one step apart."""
        return self.first, max(self.last, self.first + 1)

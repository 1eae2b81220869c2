"""Colours and characters of charts: Rich styles made from theme colours, and the Unicode and ASCII character sets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.color import Color, ColorParseError, blend_rgb
from rich.style import Style

from ...core.reports.lane_marks import SYMBOLS, symbol_place


@dataclass(frozen=True)
class Palette:
    """Rich colours for everything but the lanes. If `coloured` is False (NO_COLOR), styles use only dim and bold.

    `few_colours`: the terminal shows 16 colours, so that mixed ones are not what they were.
    """

    foreground: str = "#e4e4e7"
    muted: str = "#8b8b96"
    background: str = "#16161d"
    warning: str = "#f7768e"
    coloured: bool = True
    few_colours: bool = False

    def style(self, color: str, *, bold: bool = False) -> Style:
        """Text in a colour on the palette's background."""
        return _style(color, self.background, self.coloured, bold)

    def faint(self, color: str, share: float) -> Style:
        """Text in a colour blended with the background, `share` being the colour's weight in [0, 1]."""
        return _faint(color, self.background, self.coloured, self.few_colours, share)

    def has_shades(self, color: str) -> bool:
        """Whether a colour can be mixed with the background."""
        return self.coloured and not self.few_colours and _blend(color, self.background, 0.5) is not None

    def shades(self, color: str, upper: float, lower: float) -> Style:
        """Text, and its background, with shares in [0, 1] of a colour mixed in; only where there are shades."""
        return _shades(color, self.background, upper, lower)


@lru_cache(maxsize=1024)
def _shades(color: str, background: str, upper: float, lower: float) -> Style:
    return Style(color=_blend(color, background, upper), bgcolor=_blend(color, background, lower))


@lru_cache(maxsize=256)
def _style(color: str, background: str, coloured: bool, bold: bool) -> Style:
    return Style(color=color, bgcolor=background, bold=bold or None) if coloured else Style(bold=bold or None)


@lru_cache(maxsize=256)
def _faint(color: str, background: str, coloured: bool, few_colours: bool, share: float) -> Style:
    if not coloured:
        return Style(dim=True)
    mixed = None if few_colours else _blend(color, background, share)
    return Style(color=mixed, bgcolor=background) if mixed else Style(color=color, bgcolor=background, dim=True)


def _blend(color: str, background: str, share: float) -> Color | None:
    """The mixed colour, or None if either one is defined by the terminal and its RGB value is unknown."""
    try:
        front, back = Color.parse(color), Color.parse(background)
    except ColorParseError:
        return None
    if front.is_default or back.is_default or front.is_system_defined or back.is_system_defined:
        return None
    return Color.from_triplet(blend_rgb(back.get_truecolor(), front.get_truecolor(), share))


@dataclass(frozen=True)
class Glyphs:
    """The characters of a chart; lane i uses item i of `curves`, `faint` and `heads`, modulo their length."""

    curves: tuple[str, ...]
    faint: tuple[str, ...]
    heads: tuple[str, ...]
    grid: str
    mark: str
    mark_head: str
    level: str
    above: str
    below: str
    strip: str
    bound: str
    cursor: str
    broken: str
    wall: str
    wall_tick: str
    floor: str
    floor_tick: str
    corner: str
    at_most: str
    ellipsis: str

    @property
    def dots(self) -> tuple[int, int]:
        """Dots per cell, horizontally and vertically."""
        return (2, 4) if self.curves[0] == "braille" else (1, 1)

    def symbol(self, number: int) -> str:
        """The symbol that identifies a lane where its name does not fit or colour is off."""
        return self.heads[symbol_place(number)]

    def shortened(self, text: str, cells: int) -> str:
        """The text, cut to `cells` cells with an ellipsis if it is longer."""
        return text if cell_len(text) <= cells else set_cell_size(text, cells - 1) + self.ellipsis


UNICODE = Glyphs(
    curves=("braille",),
    faint=("braille",),
    heads=SYMBOLS,
    grid="┈",
    mark="╎",
    mark_head="▼",
    level="╌",
    above="↑",
    below="↓",
    strip="━",
    bound="━",
    cursor="│",
    broken="\N{MULTIPLICATION SIGN}",
    wall="│",
    wall_tick="┤",
    floor="─",
    floor_tick="┬",
    corner="└",
    at_most="≤",
    ellipsis="…",
)

ASCII = Glyphs(
    curves=("*", "o", "+", "#"),
    faint=(".", ",", "'", "`"),
    heads=("*", "o", "+", "#"),
    grid="",
    mark=":",
    mark_head="v",
    level="-",
    above="^",
    below="v",
    strip="=",
    bound="_",
    cursor="|",
    broken="x",
    wall="|",
    wall_tick="+",
    floor="-",
    floor_tick="+",
    corner="+",
    at_most="<=",
    ellipsis="~",
)

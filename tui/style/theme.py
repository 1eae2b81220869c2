"""The screen's look: Rich styles made from the theme's colours, and the character set of the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style
from textual.color import Color
from textual.theme import Theme as TextualTheme

from ...core.reports.lane_marks import COLOURS
from ...core.safe_text import printable
from ..text.number_format import symbols_in_ascii
from .chart_styles import ASCII, UNICODE, Glyphs, Palette
from .contrast import legible, with_legible_text

DARK = TextualTheme(
    name="clipwatch-dark",
    primary="#7aa2f7",
    secondary="#565f89",
    accent="#bb9af7",
    warning="#e0af68",
    error="#f7768e",
    success="#9ece6a",
    foreground="#e4e4e7",
    background="#101014",
    surface="#16161d",
    panel="#23232e",
    dark=True,
)
LIGHT = TextualTheme(
    name="clipwatch-light",
    primary="#2657c9",
    secondary="#8f93a3",
    accent="#7c3aed",
    warning="#8f5b00",
    error="#be123c",
    success="#3f7d20",
    foreground="#1f2028",
    background="#eceef2",
    surface="#fafafa",
    panel="#dfe2ea",
    dark=False,
)
THEMES = (DARK.name, LIGHT.name, "nord", "gruvbox", "solarized-light", "dracula")
# Blue and orange come first: colour-blind readers can tell them apart.
_LANES_ON_DARK = ("#7aa2f7", "#ff9e64", "#9ece6a", "#bb9af7", "#7dcfff", "#f7768e")
# By name: where there are only 16 colours, Rich turns most of those above into the same grey.
_LANES_ON_DARK_OF_16 = ("bright_blue", "yellow", "bright_green", "bright_magenta", "bright_cyan", "bright_red")
_LANES_ON_LIGHT_OF_16 = ("blue", "red", "green", "magenta", "cyan", "bright_red")
_HIGHLIGHT = Style(bold=True, reverse=True)


@dataclass(frozen=True)
class Theme:
    """Styles by role. `ascii`: the terminal shows ASCII only. `palette.coloured` is False under NO_COLOR."""

    palette: Palette
    panel: str
    lane_colours: tuple[str, ...] = _LANES_ON_DARK
    ascii: bool = False

    @property
    def text(self) -> Style:
        """Ordinary text on a bar."""
        return self._on_panel(self.palette.foreground)

    @property
    def muted(self) -> Style:
        """Secondary text."""
        return self._on_panel(self.palette.muted)

    @property
    def off(self) -> Style:
        """Text of an unavailable key."""
        return self.muted + Style(strike=True)

    @property
    def strong(self) -> Style:
        """Emphasized text."""
        return self._on_panel(self.palette.foreground, bold=True)

    @property
    def warning(self) -> Style:
        """Text that matters more than the rest."""
        return self._on_panel(self.palette.warning)

    @property
    def alert(self) -> Style:
        """Text of a warning."""
        if not self.palette.coloured:
            return _HIGHLIGHT
        return Style(color=self.palette.background, bgcolor=self.palette.warning, bold=True)

    def lane(self, number: int, *, bold: bool = False, reverse: bool = False) -> Style:
        """Text in a lane's colour."""
        if reverse:
            colour = self.lane_colour(number)
            return (
                Style(color=self.palette.background, bgcolor=colour, bold=True) if self.palette.coloured else _HIGHLIGHT
            )
        return self._on_panel(self.lane_colour(number), bold=bold)

    @property
    def glyphs(self) -> Glyphs:
        """The characters to draw with."""
        return ASCII if self.ascii else UNICODE

    def lane_colour(self, number: int) -> str:
        """A lane's colour."""
        return self.lane_colours[number % len(self.lane_colours)]

    def printable(self, text: str) -> str:
        """The text as one line without control characters, in the characters that the terminal can show."""
        return printable(symbols_in_ascii(text), ascii=True) if self.ascii else printable(text)

    def _on_panel(self, colour: str, *, bold: bool = False) -> Style:
        return _style(colour, self.panel, bold) if self.palette.coloured else Style(bold=bold)


@lru_cache(maxsize=256)
def _style(colour: str, background: str, bold: bool) -> Style:
    """Cached: a frame needs hundreds of styles."""
    return Style(color=colour, bgcolor=background, bold=bold)


def theme_of(
    variables: Mapping[str, str], *, dark: bool, coloured: bool, ascii: bool, few_colours: bool = False
) -> Theme:
    """Make a theme from the CSS variables of a Textual theme; all text is legible on bars and on the screen.

    `few_colours`: the terminal shows 16 colours.
    """
    variables = with_legible_text(variables)
    surface, panel = Color.parse(variables["surface"]), Color.parse(variables["panel"])
    palette = Palette(
        foreground=_plain(variables["foreground"], surface),
        muted=_plain(variables["foreground-muted"], surface),
        background=_plain(variables["surface"], surface),
        warning=_plain(variables["warning"], surface),
        coloured=coloured,
        few_colours=few_colours,
    )
    if few_colours:
        lanes = _LANES_ON_DARK_OF_16 if dark else _LANES_ON_LIGHT_OF_16
    else:
        lanes = _LANES_ON_DARK if dark else COLOURS
        lanes = tuple(legible(Color.parse(lane), (surface, panel)).hex6 for lane in lanes)
    return Theme(palette, _plain(variables["panel"], surface), lanes, ascii)


def _plain(colour: str, under: Color) -> str:
    """A Rich colour, blended over `under` if it is translucent; colours that the terminal defines become `default`."""
    parsed = Color.parse(colour)
    return "default" if parsed.ansi is not None or under.ansi is not None else (under + parsed).hex6

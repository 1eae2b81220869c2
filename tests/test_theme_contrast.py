"""All text has a contrast of 4.5:1 against its background, in every theme."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from clipwatch.tui.style.contrast import LEAST_CONTRAST, contrast, legible, with_legible_text
from clipwatch.tui.style.theme import DARK, LIGHT, THEMES, Theme, theme_of

LANES = 6
# The variables of text in style sheets; it stands on $surface.
TEXTS = ("foreground", "foreground-muted", "text-accent", "text-error", "primary", "warning")


def variables_of(name: str) -> dict[str, str]:
    theme = {**BUILTIN_THEMES, DARK.name: DARK, LIGHT.name: LIGHT}[name]
    return {**theme.to_color_system().generate(), **theme.variables}


def made(name: str) -> Theme:
    dark = {**BUILTIN_THEMES, DARK.name: DARK, LIGHT.name: LIGHT}[name].dark
    return theme_of(variables_of(name), dark=dark, coloured=True, ascii=False)


def styles(theme: Theme) -> Iterator[tuple[str, Style]]:
    """Every style of text, by role."""
    palette = theme.palette
    for role in ("text", "muted", "off", "strong", "warning", "alert"):
        yield role, getattr(theme, role)
    for number in range(LANES):
        yield f"lane {number}", theme.lane(number)
        yield f"selected lane {number}", theme.lane(number, reverse=True)
        yield f"lane {number} in a chart", palette.style(theme.lane_colour(number))
    for role in ("foreground", "muted", "warning"):
        yield f"{role} on the screen", palette.style(getattr(palette, role))


def of_style(style: Style) -> float:
    assert style.color
    assert style.bgcolor
    return contrast(*(Color(*colour.get_truecolor()) for colour in (style.color, style.bgcolor)))


@pytest.mark.parametrize("name", THEMES)
def test_every_style_of_text_is_legible(name: str) -> None:
    low = {role: of_style(style) for role, style in styles(made(name)) if of_style(style) < LEAST_CONTRAST}
    assert low == {}
    assert not any(style.dim for _, style in styles(made(name)))


@pytest.mark.parametrize("name", THEMES)
def test_text_in_style_sheets_is_legible(name: str) -> None:
    variables = with_legible_text(variables_of(name))
    surface = Color.parse(variables["surface"])
    for text in TEXTS:
        assert contrast(surface + Color.parse(variables[text]), surface) >= LEAST_CONTRAST, text


@pytest.mark.parametrize("name", THEMES)
def test_secondary_text_differs_from_text_and_lanes_from_each_other(name: str) -> None:
    theme = made(name)
    assert theme.muted.color != theme.text.color
    assert len({theme.lane_colour(number) for number in range(LANES)}) == LANES


def test_contrast_is_that_of_the_guidelines() -> None:
    white, black = Color.parse("#ffffff"), Color.parse("#000000")
    assert contrast(white, black) == contrast(black, white) == 21
    assert contrast(white, white) == 1
    assert contrast(white, Color.parse("#767676")) == pytest.approx(4.54, abs=0.005)


def test_a_legible_colour_stays_and_one_of_the_terminal_too() -> None:
    white, red = Color.parse("#ffffff"), Color.parse("ansi_red")
    blue = Color.parse("#0000ff")
    assert legible(blue, (white,)) == blue
    assert legible(red, (white,)) == red

"""Legible colours: text is blended away from its backgrounds until the contrast is high enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.color import BLACK, WHITE, Color

# The least contrast of text in the Web Content Accessibility Guidelines (WCAG 2.2, level AA).
LEAST_CONTRAST = 4.5
_STEPS = 50
# Textual's variables of text, and of the surfaces on which it stands.
_TEXTS = ("foreground", "foreground-muted", "warning", "primary", "text-accent", "text-error", "text-warning")
_SURFACES = ("surface", "panel")


def contrast(one: Color, other: Color) -> float:
    """The WCAG contrast of two opaque colours, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    channels = [channel / 255 for channel in color.rgb]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def legible(color: Color, backgrounds: Sequence[Color]) -> Color:
    """The colour, blended with black or white as little as needed; colours that the terminal defines stay."""
    if any(one.ansi is not None for one in (color, *backgrounds)):
        return color
    color = backgrounds[0] + color
    end = max((BLACK, WHITE), key=lambda end: min(contrast(end, background) for background in backgrounds))
    blends = (color.blend(end, step / _STEPS) for step in range(_STEPS + 1))
    return next((c for c in blends if min(contrast(c, one) for one in backgrounds) >= LEAST_CONTRAST), end)


def with_legible_text(variables: Mapping[str, str]) -> dict[str, str]:
    """Textual's CSS variables, with those of text legible on every surface."""
    surfaces = [Color.parse(variables[name]) for name in _SURFACES]
    texts = {name: legible(Color.parse(variables[name]), surfaces) for name in _TEXTS if name in variables}
    return {
        **variables,
        **{name: color.hex if color.ansi is None else variables[name] for name, color in texts.items()},
    }

"""Renders histograms of log10 |g| over steps as a heat map: a pure function of a `HeatMapSpec`."""

from __future__ import annotations

from textual.strip import Strip

from .canvas import Canvas
from .heat_map_spec import HeatMapSpec


def render_heat_map(spec: HeatMapSpec) -> list[Strip]:
    """The heat map as exactly `height` strips of exactly `width` cells."""
    return Canvas(max(spec.width, 0), max(spec.height, 0), spec.palette.style(spec.palette.foreground)).strips()

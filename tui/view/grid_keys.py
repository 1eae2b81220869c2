"""The keys of the grid of all charts, from which bindings, key line and help are made."""

from __future__ import annotations

from dataclasses import replace

from .key import GRID, Key
from .keys import BY_ID

_CHARTS = ("log_scale", "smoothing", "zoom_in", "zoom_out", "follow", "cursor_left", "cursor_right")

GRID_KEYS: tuple[Key, ...] = (
    Key("select", "enter", "left chart", "Close, and show the selected chart on the left", GRID, footer=1),
    Key("filter", "slash", "filter", "Show only the charts with some text in their name", GRID, footer=1),
    Key("move(-1, 0)", "left", "left", "Select the chart before", GRID),
    Key("move(1, 0)", "right,tab", "right", "Select the next chart", GRID),
    Key("move(0, -1)", "up", "up", "Select the chart above", GRID),
    Key("move(0, 1)", "down", "down", "Select the chart below", GRID),
    Key("page(-1)", "pageup", "previous page", "Show the previous page", GRID, footer=3),
    Key("page(1)", "pagedown", "next page", "Show the next page", GRID, footer=3),
    # The arrow keys select a chart.
    *(replace(BY_ID[id], keys=BY_ID[id].keys.split(",")[0]) for id in _CHARTS),
    replace(BY_ID["picture"], footer=5),
    replace(BY_ID["next_theme"], footer=4),
    Key("help", "question_mark,f1", "help", "Show these keys", GRID, footer=1),
    Key("back", "escape", "back", "Clear the filter, then the cursor, then go back to the lanes", GRID, footer=1),
    Key("close", "q,G", "close", "Go back to the lanes", GRID),
)

"""The keys of the comparison, from which bindings, key line, help and command palette are made."""

from __future__ import annotations

from dataclasses import replace

from ..view.key import PROGRAM, Key
from ..view.keys import BY_ID

# The keys of the charts that a run's screen has, too.
_CHARTS = (
    "left_metric",
    "right_metric",
    "log_scale",
    "smoothing",
    "zoom_in",
    "zoom_out",
    "pan_left",
    "pan_right",
    "follow",
    "cursor_left",
    "cursor_right",
)


def _of_charts(id_: str) -> Key:
    """A key of a run's charts. The arrows up and down belong to the table."""
    key = BY_ID[id_]
    keys = ",".join(one for one in key.keys.split(",") if one not in ("up", "down"))
    return replace(key, keys=keys, off_in=(), footer={"left_metric": 1, "zoom_in": 6}.get(id_, 0))


KEYS: tuple[Key, ...] = (
    Key("move(-1)", "up,k", "up", "Select the lane above", PROGRAM),
    Key("move(1)", "down,j", "down", "Select the lane below", PROGRAM),
    Key("hide", "space", "hide", "Hide the selected lane in the charts, or show it again", PROGRAM, footer=1),
    Key("only", "o", "only this", "Show only the selected lane, or all of them again", PROGRAM, footer=3),
    Key(
        "ask_filter",
        "slash",
        "filter",
        "Show only lanes whose mark, name, run, experiment, state or differing settings have all words that you type",
        PROGRAM,
        footer=2,
    ),
    Key("axis", "x", "axis", "Switch between steps and seconds since the lanes started", PROGRAM, footer=2),
    *map(_of_charts, _CHARTS),
    Key("escape", "escape", "newest", "Show the newest values, or clear the filter", PROGRAM),
    replace(BY_ID["picture"], footer=5),
    replace(BY_ID["next_theme"], footer=4),
    Key("show_help", "question_mark,f1", "help", "Show all keys, and how to read the charts", PROGRAM, footer=1),
    Key("leave", "q", "quit", "Quit and print the table. Runs under way go on", PROGRAM, footer=1),
)

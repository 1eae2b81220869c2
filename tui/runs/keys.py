"""The keys of the list of runs, from which bindings, key line and help are made."""

from __future__ import annotations

from dataclasses import replace

from ..view.key import PROGRAM, Key
from ..view.keys import BY_ID

KEYS: tuple[Key, ...] = (
    Key(
        "open",
        "enter",
        "open",
        "Open: a run is replayed, one under way is attached to, a sweep shows its results; closing it leads back here",
        PROGRAM,
        footer=1,
    ),
    Key(
        "ask_filter",
        "slash",
        "filter",
        "Filter as you type: name, data, settings, optimizer, rule, state, changed, forked, sweep. All must occur",
        PROGRAM,
        footer=1,
    ),
    Key("mark", "space", "mark", "Mark the selected run to compare it, or unmark it", PROGRAM, footer=2),
    Key(
        "compare",
        "c",
        "compare",
        "Show the lanes of the marked runs in the same charts; closing the comparison leads back here",
        PROGRAM,
        footer=2,
    ),
    Key("ask_name", "r", "rename", "Rename the selected recording", PROGRAM, footer=2),
    Key(
        "ask_delete",
        "x,delete",
        "delete",
        "Delete the selected recording; asks first. A run under way cannot be deleted",
        PROGRAM,
        footer=3,
    ),
    replace(BY_ID["picture"], footer=5),
    replace(BY_ID["next_theme"], footer=4),
    Key("show_help", "question_mark,f1", "help", "Explain the list, and show these keys", PROGRAM, footer=1),
    Key("close_prompt", "escape", "show all", "Close the prompt, and clear the filter", PROGRAM),
    Key("leave", "q", "quit", "Quit", PROGRAM, footer=1),
)

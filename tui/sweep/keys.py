"""The keys of the sweep screen, from which bindings, key line, help and command palette are made."""

from __future__ import annotations

from dataclasses import replace

from ..view.key import PROGRAM, Key
from ..view.keys import BY_ID

KEYS: tuple[Key, ...] = (
    Key(
        "next_curves",
        "v",
        "curves",
        "Show other curves: the first metric and the loss, or one of them",
        PROGRAM,
        footer=2,
    ),
    Key("scroll(-1)", "up", "up", "Scroll up by one line", PROGRAM),
    Key("scroll(1)", "down", "more lines", "Scroll down by one line", PROGRAM, footer=3),
    Key("scroll(-10)", "pageup", "page up", "Scroll up by ten lines", PROGRAM),
    Key("scroll(10)", "pagedown", "page down", "Scroll down by ten lines", PROGRAM),
    Key(
        "open_replica",
        "o",
        "replica",
        "Train a replica of the sweep again, as a run with all figures",
        PROGRAM,
        footer=6,
    ),
    replace(BY_ID["picture"], footer=4),
    replace(BY_ID["next_theme"], footer=5),
    Key("show_help", "question_mark,f1", "help", "Show all keys, and how to read the page", PROGRAM, footer=1),
    Key("leave", "q", "quit", "Stop the sweep, keep the finished trainings, print the tables", PROGRAM, footer=1),
)

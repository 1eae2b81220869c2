"""`clipwatch completion`: the script with which a shell completes commands, options and their values."""

from __future__ import annotations

import argparse

import shtab

from .options import Option
from .parser import Parser

_COMPLETERS = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY, "RUN": shtab.DIRECTORY, "SWEEP": shtab.DIRECTORY}


def print_completion(parser: Parser, shell: str) -> int:
    """Print the completion script; return the exit code."""
    print(shtab.complete(parser, shell=shell), flush=True)
    return 0


def annotate(option: Option, action: argparse.Action) -> None:
    """Set how the value of an option is completed: from its choices, or as a file or folder."""
    action.choices = option.choices or None
    if (completer := _COMPLETERS.get(option.keywords.get("metavar", ""))) is not None:
        action.complete = completer  # pyright: ignore[reportAttributeAccessIssue]

"""`clipwatch completion`: the script by which a shell completes commands, options and their values."""

from __future__ import annotations

import argparse

import shtab

from .options import Option
from .parser import Parser

_COMPLETED = {"FILE": shtab.FILE, "DIR": shtab.DIRECTORY, "RUN": shtab.DIRECTORY}


def print_completion(parser: Parser, shell: str) -> int:
    """Print the script; the exit code."""
    print(shtab.complete(parser, shell=shell), flush=True)
    return 0


def annotate(option: Option, action: argparse.Action) -> None:
    """Say what completes the value of an option."""
    action.choices = option.choices or None
    if (completed := _COMPLETED.get(option.keywords.get("metavar", ""))) is not None:
        action.complete = completed  # pyright: ignore[reportAttributeAccessIssue]

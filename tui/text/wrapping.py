"""Printable text broken into lines by the cells that it takes."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len


def wrapped(text: str, cells: int, *, indent: str = "", break_on_hyphens: bool = True) -> list[str]:
    """Printable text in lines of so many cells, those after the first behind an `indent`."""
    # textwrap counts characters: one of two cells counts for two with a NUL behind it, which printable text lacks. One
    # that is broken off from its NUL needs a cell more.
    counted = "".join(c + "\0" * (cell_len(c) - 1) for c in text)
    room = cells if counted == text else cells - 1
    lines = textwrap.wrap(counted, room, subsequent_indent=indent, break_on_hyphens=break_on_hyphens)
    return [line.replace("\0", "") for line in lines]

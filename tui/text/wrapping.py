"""Wraps printable text by its width in terminal cells."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len


def wrapped(text: str, cells: int, *, indent: str = "", break_on_hyphens: bool = True) -> list[str]:
    """Lines of at most `cells` cells; lines after the first begin with `indent`."""
    # textwrap counts characters. A NUL (absent from printable text) after each two-cell character makes it count as
    # two; one cell stays spare in case a line breaks between the character and its NUL.
    counted = "".join(c + "\0" * (cell_len(c) - 1) for c in text)
    room = cells if counted == text else cells - 1
    lines = textwrap.wrap(counted, room, subsequent_indent=indent, break_on_hyphens=break_on_hyphens)
    return [line.replace("\0", "") for line in lines]

"""A widget that shows ready-made lines, and repaints only those that changed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region
from textual.strip import Strip

from .painted import Painted


class Lines(Painted):
    """Shows strips as wide as itself; `show` costs nothing where a line is as it was."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Strip] = ()

    def show(self, lines: Sequence[Strip]) -> None:
        """Show these lines from the top."""
        before = self._lines
        if len(before) != len(lines):
            self._lines = lines
            self.refresh()
            return
        # A strip that stays keeps what was made of it for the terminal.
        self._lines = [old if old == new else new for old, new in zip(before, lines, strict=True)]
        changed = [y for y, (old, new) in enumerate(zip(before, self._lines, strict=True)) if old is not new]
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))

    def paint(self, first: int, last: int) -> list[Strip]:
        """The lines, and blank ones below them."""
        lines, width = list(self._lines[first:last]), self.size.width
        missing = last - first - len(lines)
        if missing or any(line.cell_length != width for line in lines):
            lines = [line.adjust_cell_length(width, self.rich_style) for line in lines]
            lines += [Strip.blank(width, self.rich_style)] * missing
        return lines

"""A grid of styled characters that becomes one strip per row."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

SPACE = 32


class Canvas:
    """A grid of code points and style numbers, initially blank; every character is one cell wide."""

    def __init__(self, width: int, height: int, blank: Style) -> None:
        self.codes = np.full((height, width), SPACE, np.uint32)
        self.inks = np.zeros((height, width), np.uint16)
        self.blank = blank
        self._inks = {blank: 0}

    def ink(self, style: Style) -> int:
        """The number of a style in `inks`."""
        return self._inks.setdefault(style, len(self._inks))

    def write(self, row: int, column: int, text: str, style: Style) -> None:
        """Write text, replacing what is there, clipped at the edges."""
        height, width = self.codes.shape
        codes = [ord(c) if c.isascii() or cell_len(c) == 1 else ord("?") for c in text]
        codes = codes[max(-column, 0) : max(width - column, 0)]
        column = max(column, 0)
        if 0 <= row < height and codes:
            self.codes[row, column : column + len(codes)] = codes
            self.inks[row, column : column + len(codes)] = self.ink(style)

    def fill(self, rows: slice, columns: slice, glyph: str, style: Style) -> None:
        """Fill a rectangle with one character."""
        self.codes[rows, columns] = ord(glyph)
        self.inks[rows, columns] = self.ink(style)

    def is_free(self, row: int, start: int, end: int, background: str) -> bool:
        """Whether cells `start` to `end` (exclusive) of a row exist and contain only blanks or `background`."""
        height, width = self.codes.shape
        inside = 0 <= row < height and start >= 0 and end <= width
        free = {SPACE, *map(ord, background)}
        return inside and free.issuperset(self.codes[row, start:end].tolist())

    def strips(self) -> list[Strip]:
        """One strip per row; neighbouring cells of one style share a segment."""
        height, width = self.codes.shape
        text = self.codes.tobytes().decode("utf-32-le")
        styles = list(self._inks)
        changed = self.inks[:, 1:] != self.inks[:, :-1]
        return [
            self._strip(text[row * width : (row + 1) * width], row, np.flatnonzero(changed[row]).tolist(), styles)
            for row in range(height)
        ]

    def _strip(self, text: str, row: int, changes: list[int], styles: list[Style]) -> Strip:
        if not text:
            return Strip([])
        starts = [0, *(change + 1 for change in changes)]
        ends = [*starts[1:], len(text)]
        inks = self.inks[row].tolist()
        return Strip([Segment(text[a:b], styles[inks[a]]) for a, b in zip(starts, ends, strict=True)], len(text))

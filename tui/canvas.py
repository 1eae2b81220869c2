"""A grid of styled characters, turned into one strip per row."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

SPACE = 32


class Canvas:
    """Code points and style numbers of width × height cells, blank at first; every character is one cell wide."""

    def __init__(self, width: int, height: int, blank: Style) -> None:
        self.codes = np.full((height, width), SPACE, np.uint32)
        self.inks = np.zeros((height, width), np.uint8)
        self._styles = [blank]

    def ink(self, style: Style) -> int:
        """The number that stands for a style in `inks`."""
        if style not in self._styles:
            self._styles.append(style)
        return self._styles.index(style)

    def write(self, row: int, column: int, text: str, style: Style) -> None:
        """Put text down, over what is there, cut off at the edges."""
        height, width = self.codes.shape
        codes = [ord(c) if cell_len(c) == 1 else ord("?") for c in text][max(-column, 0) : max(width - column, 0)]
        if 0 <= row < height and codes:
            column = max(column, 0)
            self.codes[row, column : column + len(codes)] = codes
            self.inks[row, column : column + len(codes)] = self.ink(style)

    def is_blank(self, row: int, start: int, end: int) -> bool:
        """Whether the cells start to end (exclusive) of a row lie on the canvas and hold nothing."""
        height, width = self.codes.shape
        inside = 0 <= row < height and 0 <= start and end <= width
        return inside and bool((self.codes[row, start:end] == SPACE).all())

    def strips(self) -> list[Strip]:
        """One strip per row, neighbours of one style in one segment."""
        height, width = self.codes.shape
        text = self.codes.tobytes().decode("utf-32-le")
        changed = self.inks[:, 1:] != self.inks[:, :-1]
        return [
            self._strip(text[row * width : (row + 1) * width], row, np.flatnonzero(changed[row]).tolist())
            for row in range(height)
        ]

    def _strip(self, text: str, row: int, changes: list[int]) -> Strip:
        starts = [0, *(change + 1 for change in changes)]
        ends = [*starts[1:], len(text)]
        inks = self.inks[row].tolist()
        styles = self._styles
        return Strip([Segment(text[a:b], styles[inks[a]]) for a, b in zip(starts, ends, strict=True)], len(text))

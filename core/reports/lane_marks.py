"""The symbols and colours of lanes, which are those of the screen."""

from __future__ import annotations

from dataclasses import dataclass

SYMBOLS = ("●", "◆", "▲", "■")
# The markers of matplotlib that look like the symbols.
MARKERS = ("o", "D", "^", "s")
# On a light background. Blue and orange come first: colour-blind readers can tell them apart.
COLOURS = ("#2657c9", "#b45309", "#3f7d20", "#7c3aed", "#0e7490", "#be123c")


def symbol_place(number: int) -> int:
    """The place of a lane's symbol. From the 13th lane on they are shifted: the pairs of symbol and colour repeat."""
    return (number + number // 12) % len(SYMBOLS)


@dataclass(frozen=True)
class LaneLabel:
    """The name of lane `number` of a run, with its symbol."""

    number: int
    name: str

    @property
    def symbol(self) -> str:
        """The symbol of the lane."""
        return SYMBOLS[symbol_place(self.number)]

    @property
    def colour(self) -> str:
        """The colour of the lane."""
        return COLOURS[self.number % len(COLOURS)]

    def __str__(self) -> str:
        return f"{self.symbol} {self.name}"

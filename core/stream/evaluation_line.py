"""The line that training prints, wherever it is printed."""

from __future__ import annotations

from .events import Evaluated


def evaluation_line(event: Evaluated) -> str:
    """The line of the assignment."""
    return f"Step: {event.step} validation accuracy: {event.accuracy:g} loss: {event.loss:g}"

"""The line that training prints for an evaluation."""

from __future__ import annotations

from .events import Evaluated


def evaluation_line(event: Evaluated) -> str:
    """The line in the format of the assignment."""
    return f"Step: {event.step} validation accuracy: {event.accuracy:g} loss: {event.loss:g}"

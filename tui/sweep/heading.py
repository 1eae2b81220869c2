"""The heading of a section of the sweep screen."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.strip import Strip

from ..style.theme import Theme


def heading(text: str, note: str, width: int, theme: Theme) -> Strip:
    """A section's heading, with a note if it fits."""
    style = theme.palette.style(theme.palette.foreground, bold=True)
    segments = [Segment(" " + set_cell_size(text, min(cell_len(text), width - 1)), style)]
    if note and cell_len(text) + cell_len(note) + 3 <= width:
        segments.append(Segment(f"  {note}", theme.palette.style(theme.palette.muted)))
    return Strip(segments)

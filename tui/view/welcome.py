"""What the screen shows in place of its empty panes while the first run is being prepared."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..style.theme import Theme
from ..text.wrapping import wrapped
from .keys import BY_ID

# The widest column of text that reads well.
_MAX_WIDTH = 72
_ABOUT = (
    "Soon, trainings of one network run side by side: the lanes. They start with the same weights and see the same"
    " data; the clipping of their gradients differs, or what else you gave them.",
    "Above: what each lane prints as it learns. Below: the curves.",
)
# The keys to try first, by id.
_TRY = {
    "clip": "switch clipping on or off in the selected lane",
    "diagnostics": "what clipping does, layer by layer",
    "pause": "stop all lanes to look around; again: go on",
}


def welcome(keymap: Mapping[str, str], width: int, height: int, theme: Theme) -> list[Strip]:
    """What one will see and the keys to try, in the middle of `height` lines of `width` cells."""
    room = min(_MAX_WIDTH, width - 4)
    margin = " " * ((width - room) // 2)
    text, muted, bold = (
        theme.palette.style(theme.palette.foreground),
        theme.palette.style(theme.palette.muted),
        theme.palette.style(theme.palette.foreground, bold=True),
    )
    rows = [[Segment(line, text)] for about in _ABOUT for line in [*wrapped(about, room), ""]]
    rows += [[Segment("Keys to try", muted)], *_keys(keymap, room, theme, bold, text)]
    above = [[Segment("", text)]] * max(0, (height - len(rows)) // 2)
    return [Strip([Segment(margin, text), *row]).adjust_cell_length(width, text) for row in [*above, *rows][:height]]


def _keys(keymap: Mapping[str, str], room: int, theme: Theme, bold: Style, text: Style) -> list[list[Segment]]:
    """A row for each key to try, or more if its meaning does not fit on one."""
    caps = {id_: theme.printable(BY_ID[id_].caps(keymap)) for id_ in _TRY}
    column = max(map(cell_len, caps.values())) + 3
    rows = []
    for id_, meaning in _TRY.items():
        first, *others = wrapped(meaning, room - column)
        cap = f" {caps[id_]}".ljust(column - cell_len(caps[id_]) + len(caps[id_]))
        rows += [[Segment(cap, bold), Segment(first, text)]]
        rows += [[Segment(" " * column, text), Segment(other, text)] for other in others]
    return rows

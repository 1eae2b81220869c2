"""The key line: the keys that do something now, as many as fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from ...core.stream.state import RunState
from ..style.theme import Theme
from .key import Key, Phase
from .keys import KEYS, elsewhere


def key_line(
    keymap: Mapping[str, str], width: int, theme: Theme, *, phase: Phase = "training", keys: Sequence[Key] = KEYS
) -> Strip:
    """As many keys as fit, always including help; keys that do nothing now are struck out, and are dropped first."""
    segments = []
    for name, key in _footer(keymap, width, theme, phase, keys):
        off = not key.works_in(phase)
        segments += [Segment(" ", theme.text), Segment(name, theme.off if off else theme.strong)]
        segments += [Segment(" ", theme.text), Segment(key.label, theme.off if off else theme.muted)]
        segments += [Segment(" ", theme.text)]
    return Strip(segments).adjust_cell_length(width, theme.text)


def key_at(
    column: int,
    keymap: Mapping[str, str],
    width: int,
    theme: Theme,
    *,
    phase: Phase = "training",
    keys: Sequence[Key] = KEYS,
) -> Key | None:
    """The key that the key line shows at a column, None beside the keys."""
    end = 0
    for name, key in _footer(keymap, width, theme, phase, keys):
        end += cell_len(f" {name} {key.label} ")
        if column < end:
            return key
    return None


def _footer(
    keymap: Mapping[str, str], width: int, theme: Theme, phase: Phase, keys: Sequence[Key]
) -> list[tuple[str, Key]]:
    """The keys of the key line with their names on the keyboard; those of the highest ranks are left out."""
    keys = [key for key in keys if key.rank(phase) and _is_listed(key, phase)]
    while True:
        names = [theme.printable(key.caps(keymap)).split()[0] for key in keys]
        parts = list(zip(names, keys, strict=True))
        if sum(cell_len(name) + cell_len(key.label) + 3 for name, key in parts) <= width or len(keys) < 2:
            return parts
        last = max(reversed(keys), key=lambda key: (not key.works_in(phase), key.rank(phase)))
        # A key and its counterpart, such as slower and faster, have the same rank and go together.
        alike = (last.group, last.rank(phase)) if last.rank(phase) > 1 else None
        keys = [key for key in keys if key is not last and (key.group, key.rank(phase)) != alike]


def _is_listed(key: Key, phase: Phase) -> bool:
    """Whether a key has a place on the line even if it does nothing now."""
    return (
        key.works_in(phase) if phase in ("steered", "observed") else key.works_in(phase) or key.only in (None, "live")
    )


def phase_of(state: RunState) -> Phase:
    """What the run is doing, as far as keys are concerned."""
    if state.replay:
        return "replay"
    if not state.lanes:
        return "waiting"
    if state.attached:
        return elsewhere(state.attached)
    return "ended" if all(lane.ended for lane in state.lanes.values()) else "training"

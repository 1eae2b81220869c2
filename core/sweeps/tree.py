"""The order of recordings in which each forked run follows the run that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..runs.folder import Manifest
from ..stream.fork_events import ForkOrigin
from ..stream.fork_words import origin_text
from .listing import Recording


def origin(recording: Recording) -> ForkOrigin | None:
    """What a run was forked from; None for others, and for sweeps."""
    return recording.overview.forked_from if isinstance(recording.overview, Manifest) else None


def tree(recordings: Sequence[Recording]) -> list[tuple[Recording, int]]:
    """The recordings with their depth: 0, or for a forked run one more than its parent's, below which it stands.

    Otherwise the order stays. A run whose parent is not among them, because it was deleted, moved or filtered out,
    stands on its own.
    """
    names = {recording.name for recording in recordings}
    children: dict[str, list[Recording]] = {}
    for recording in recordings:
        found = origin(recording)
        children.setdefault(found.run if found and found.run in names - {recording.name} else "", []).append(recording)
    arranged = [*_below("", children, 0)]
    # Runs that were renamed to one another's names may be their own ancestors.
    placed = {recording.name for recording, _ in arranged}
    return arranged + [(recording, 0) for recording in recordings if recording.name not in placed]


def _below(parent: str, children: dict[str, list[Recording]], depth: int) -> Iterator[tuple[Recording, int]]:
    for recording in children.pop(parent, ()):
        yield recording, depth
        yield from _below(recording.name, children, depth + 1)


def origin_words(recording: Recording, depth: int) -> str:
    """From which lane and step a run was forked, and from which run unless that stands above it; empty for others."""
    if not (found := origin(recording)):
        return ""
    return origin_text(found.lane, found.step, found.run if depth == 0 else "")

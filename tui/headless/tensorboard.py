"""TensorBoard beside a run under way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...core.errors import ClipwatchError
from ...core.stream.events import Event
from ...core.tensorboard.sink import TensorBoard
from ..text.wording import lane_message

if TYPE_CHECKING:
    from ...core.training.checkpoint import Checkpoint

_Given = TypeVar("_Given")


class LiveTensorBoard:
    """A sink that, once it cannot write any more, says so by `tell` and lets the run go on without it.

    ClipwatchError if it cannot be used from the beginning.
    """

    def __init__(self, directory: Path, tell: Callable[[str], None], name: str | None = None) -> None:
        self._board: TensorBoard | None = TensorBoard(directory, lane_message, name)
        self._tell = tell

    def receive(self, event: Event) -> None:
        """Write one event."""
        if self._board:
            self._trying(self._board.receive, event)

    def keep(self, kept: Checkpoint) -> None:
        """Write a lane's weights."""
        if self._board:
            self._trying(self._board.keep, kept)

    def close(self) -> None:
        """Close what is open."""
        if self._board:
            self._board.close()

    def _trying(self, write: Callable[[_Given], None], what: _Given) -> None:
        try:
            write(what)
        except ClipwatchError as error:
            self.close()
            self._board = None
            self._tell(f"{error}; the run goes on without")

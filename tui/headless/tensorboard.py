"""Writes TensorBoard logs while a run is training."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...core.errors import one_line
from ...core.runs.folder import RunFolder
from ...core.stream.events import Event, Notice
from ...core.tensorboard.sink import TensorBoard
from ..text.wording import lane_message

if TYPE_CHECKING:
    from ...core.training.checkpoint import AnyCheckpoint

_Item = TypeVar("_Item")
_log = logging.getLogger(__name__)


class LiveTensorBoard:
    """Writes the runs of an event stream; the first write error turns it off. ClipwatchError if it cannot be set up."""

    def __init__(self, directory: Path, recorded: Callable[[], RunFolder | None]) -> None:
        self._board: TensorBoard | None = TensorBoard(directory, lane_message, recorded)
        self._failures: list[str] = []

    def through(self, events: Iterable[Event]) -> Iterator[Event]:
        """Write each event, then yield it. After an error, a `Notice` is inserted and nothing more is written."""
        for event in events:
            self._write(TensorBoard.receive, event)
            while self._failures:
                yield Notice(text=self._failures.pop())
            yield event

    def keep(self, checkpoint: AnyCheckpoint) -> None:
        """Write a lane's weights."""
        self._write(TensorBoard.keep, checkpoint)

    def close(self) -> None:
        """Close the files."""
        if self._board:
            self._board.close()

    def _write(self, write: Callable[[TensorBoard, _Item], None], item: _Item) -> None:
        if (board := self._board) is None:
            return
        try:
            write(board, item)
        except Exception as error:
            # The writer thread raises its exceptions again here. None of them may end the run.
            _log.debug("TensorBoard", exc_info=True)
            # The other lanes' files are still written to their end.
            with contextlib.suppress(Exception):
                board.close()
            self._board = None
            self._failures.append(f"{one_line(error)}; the run continues without TensorBoard")

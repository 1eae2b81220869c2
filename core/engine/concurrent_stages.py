"""The stages of a preparation that reads data and imports torch at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..stream.events import DownloadProgressed, Event, StageStarted

_LOADING = "loading torch"


class ConcurrentStages:
    """Reports both stages as one, such as `reading mnist and loading torch`, until one of them ends."""

    def __init__(self, put: Callable[[Event], None], reading: str) -> None:
        self._put = put
        self._reading, self._loading = reading, _LOADING
        self._download: DownloadProgressed | None = None
        # The stages end in two threads.
        self._lock = threading.Lock()
        self._put_stages()

    def report(self, event: Event) -> None:
        """Pass on an event about the data. A stage, such as `downloading mnist`, takes the place of reading."""
        with self._lock:
            if isinstance(event, StageStarted):
                self._reading, self._download = event.stage, None
                self._put_stages()
                return
            if isinstance(event, DownloadProgressed):
                self._download = event
            self._put(event)

    def end_reading(self) -> None:
        """Report that the data have been read."""
        with self._lock:
            self._reading, self._download = "", None
            self._put_stages()

    def end_loading(self) -> None:
        """Report that torch has been imported."""
        with self._lock:
            self._loading = ""
            self._put_stages()

    def _put_stages(self) -> None:
        if stages := " and ".join(filter(None, (self._reading, self._loading))):
            self._put(StageStarted(stage=stages))
        if self._download:
            # A stage hides the progress of the one before.
            self._put(self._download)

"""The event that only a follower sends: about the process whose run it follows, see `engine.following`."""

from __future__ import annotations

from typing import Literal

from .event import Event


class Attached(Event, frozen=True, kw_only=True):
    """The run is trained by another process, and its recording is followed. It is sent first, after all
    events so far, and when one of these changes.

    `process`: it trains (`running`), it has written nothing for `silent` seconds (`silent`), it has recorded its end
    (`ended`), or it went without doing so (`gone`). `unsteerable`: why it takes no commands from here, None if it does.
    """

    run: str
    process: Literal["running", "silent", "ended", "gone"]
    silent: int = 0
    unsteerable: str | None = None

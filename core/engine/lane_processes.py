"""Starts the processes of a run's lanes, all at once, and ends them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ..stream.events import Event
from ..training.lane_messages import Assignment, LaneSource, LaneStart, Prepared
from .lane_process import LaneProcess
from .measured_lanes import MeasuredLanes

# Once the run is to end: seconds in which a lane must be heard of, or its process is killed. It has saved its state
# before it begins its last evaluation.
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.5


@contextmanager
def lane_processes(
    source: LaneSource,
    starts: Sequence[LaneStart],
    *,
    lanes: Sequence[str],
    stopping: threading.Event,
    report: Callable[[Event], None],
    tell: Callable[[str], None],
) -> Iterator[tuple[Prepared, list[LaneProcess]]]:
    """The prepared run, and a process for each lane that is to start; none of them is left at the end.

    `lanes` are the names of all lanes of the run. Raises Cancelled if `stopping` is set during the preparation, and
    BadInput or ClipwatchError if the run cannot be prepared. Once `stopping` is set, a lane that hangs is killed.
    """
    measured, closed, processes = MeasuredLanes(lanes), threading.Event(), list[LaneProcess]()
    try:
        # All of them import torch while the first one prepares the run.
        for start in starts:
            processes.append(LaneProcess(start.lane, measured, tell))
        debug = logging.getLogger().isEnabledFor(logging.DEBUG)
        for process in processes:
            process.send(Assignment(source, process is processes[0], debug))
        prepared: Prepared = processes[0].receive(stopping, report)
        for process, start in zip(processes, starts, strict=True):
            process.send(start)
        for process in processes:
            process.receive(stopping, report)
        watch = threading.Thread(target=_kill_late, args=(processes, stopping, closed), daemon=True)
        watch.start()
        yield prepared, processes
    except BaseException:
        for process in processes:
            process.kill()
        raise
    finally:
        closed.set()
        for process in processes:
            process.close()


def _kill_late(processes: Sequence[LaneProcess], stopping: threading.Event, closed: threading.Event) -> None:
    """Kill the processes of lanes that are not heard of once the run is to end."""
    while not stopping.is_set():
        if closed.wait(_POLL_SECONDS):
            return
    stopped = time.monotonic()
    while not closed.wait(_POLL_SECONDS):
        for process in processes:
            if time.monotonic() - max(stopped, process.heard) > STOP_SECONDS:
                process.kill(f"the lane did not end within {STOP_SECONDS:g} s of the stop, and its process was killed")

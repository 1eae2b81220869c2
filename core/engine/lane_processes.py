"""Starts the processes of a run's lanes, all at once, and ends them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ..stream.config import RunConfig
from ..stream.events import Event, Notice, StageStarted
from ..stream.experiment_info import Value
from ..training.lane_messages import Assignment, LaneStart, Prepared
from .lane_process import LaneProcess
from .measured_lanes import MeasuredLanes

# Once the run is to end: seconds in which a lane must be heard of, or its process is killed. It has saved its state
# before it begins its last evaluation.
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.5


@contextmanager
def lane_processes(
    config: RunConfig,
    starts: Sequence[LaneStart],
    *,
    checkpoints: bool,
    stopping: threading.Event,
    report: Callable[[Event], None],
) -> Iterator[tuple[Prepared, list[LaneProcess]]]:
    """The prepared run, and a process for each lane that is to start; none of them is left at the end.

    Raises Cancelled if `stopping` is set during the preparation, and BadInput or ClipwatchError if the run cannot be
    prepared. Once `stopping` is set, a lane that hangs is killed.
    """
    closed, processes = threading.Event(), list[LaneProcess]()
    measured = MeasuredLanes([lane.name for lane in config.lanes])
    report(StageStarted(stage="starting a process for each lane"))
    try:
        for start in starts:
            processes.append(LaneProcess(start.lane, measured, config.pace, _teller(report)))
        for process in processes:
            process.send(Assignment(config, checkpoints, prepares=process is processes[0], debug=_is_debug()))
        # The first one prepares the run alone, since the user's code may download data. The others import torch.
        prepared: Prepared = processes[0].receive(stopping, report)
        for process, start in zip(processes, starts, strict=True):
            process.send(start)
        for process in processes:
            process.receive(stopping, report)
        threading.Thread(target=_kill_late, args=(processes, stopping, closed), daemon=True).start()
        yield prepared, processes
    except BaseException:
        for process in processes:
            process.kill()
        raise
    finally:
        closed.set()
        for process in processes:
            process.close()


def prepare_only(
    config: RunConfig,
    variants: Sequence[Mapping[str, Value]],
    stopping: threading.Event,
    report: Callable[[Event], None],
) -> Prepared:
    """Prepare a run in a process of its own, as the first lane does, and end it. Raises as above.

    `variants` are other settings of its experiment to check.
    """
    name = config.lanes[0].name
    process = LaneProcess(name, MeasuredLanes([name]), None, _teller(report))
    try:
        process.send(Assignment(config, checkpoints=False, prepares=True, debug=_is_debug(), variants=variants))
        return process.receive(stopping, report)
    finally:
        process.kill()
        process.close()


def _is_debug() -> bool:
    return logging.getLogger().isEnabledFor(logging.DEBUG)


def _teller(report: Callable[[Event], None]) -> Callable[[str], None]:
    return lambda text: report(Notice(text=text, level="info"))


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

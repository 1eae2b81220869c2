"""Starts the processes of a run's lanes, all at once, and ends them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from ..stream.config import RunConfig
from ..stream.events import Event, LaneForked, Notice, StageStarted
from ..stream.experiment_info import Value
from ..training.forked_lane import ForkedLane
from ..training.lane_messages import Assignment, LaneStart, Prepared
from .lane_process import LaneProcess
from .measured_lanes import MeasuredLanes
from .resumption import Resumption

# Once the run is to end: seconds in which a lane must be heard of, or its process is killed. It has saved its state
# before it begins its last evaluation.
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.5


class LaneProcesses:
    """The `PreparedLanes` that train in a process each.

    Raises Cancelled if `stopping` is set during the preparation, and BadInput or ClipwatchError if the run cannot be
    prepared. Once `stopping` is set, a lane that hangs is killed.
    """

    def __init__(
        self,
        config: RunConfig,
        resumption: Resumption,
        *,
        checkpoints: bool,
        stopping: threading.Event,
        report: Callable[[Event], None],
    ) -> None:
        self.lane_context: Callable[[], AbstractContextManager[None]] = nullcontext
        self._checkpoints, self._stopping, self._report = checkpoints, stopping, report
        self._measured = MeasuredLanes([lane.name for lane in config.lanes])
        for event in resumption.continued_forks:
            self.compare(event)
        self._closed = threading.Event()
        self.lanes: list[LaneProcess] = []
        report(StageStarted(stage="starting a process for each lane"))
        try:
            self.prepared = self._prepare(resumption.with_forks(config), resumption)
        except BaseException:
            self.close(kill=True)
            raise
        threading.Thread(target=_kill_late, args=(self.lanes, stopping, self._closed), daemon=True).start()

    def _prepare(self, config: RunConfig, resumption: Resumption) -> Prepared:
        starts = resumption.lane_starts(config)
        for start in starts:
            self._start(start.lane, config.pace)
        for process in self.lanes:
            self._assign(process, config, prepares=process is self.lanes[0])
        # The first one prepares the run alone, since the user's code may download data. The others import torch.
        prepared: Prepared = self.lanes[0].receive(self._stopping, self._report)
        for process, start in zip(self.lanes, starts, strict=True):
            process.send(start)
        for process in self.lanes:
            process.receive(self._stopping, self._report)
        return prepared

    def compare(self, event: LaneForked) -> None:
        """Compare a new lane with its parent from now on."""
        self._measured.add_fork(event.parent, event.lane)

    def fork(self, config: RunConfig, forked: ForkedLane) -> LaneProcess:
        """The process of a new lane. Raises as above."""
        process = self._start(forked.name, forked.pace)
        try:
            self._assign(process, config, prepares=False)
            process.send(LaneStart(forked.name, forked.iterations, forked=forked))
            process.receive(self._stopping, self._report)
        except BaseException:
            process.kill()
            raise
        return process

    def _start(self, lane: str, pace: float | None) -> LaneProcess:
        process = LaneProcess(lane, self._measured, pace, _teller(self._report))
        self.lanes.append(process)
        return process

    def _assign(self, process: LaneProcess, config: RunConfig, *, prepares: bool) -> None:
        process.send(Assignment(config, self._checkpoints, prepares=prepares, debug=_is_debug()))

    def close(self, *, kill: bool = False) -> None:
        """Wait until all processes have ended; kill those that do not end, or all of them."""
        self._closed.set()
        for process in self.lanes:
            if kill:
                process.kill()
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

"""Where units are trained: this machine's cores, one process each, or a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.synchronize import Event as Flag
from typing import Any, Protocol

import msgspec

from ..data.datasets import load
from ..errors import Cancelled, ClipwatchError
from ..stream.config import RunConfig
from ..stream.events import Notice
from ..stream.sweep_events import ReplicaFinished
from .units import Unit

# Results, and what the user should be told.
Outcome = list[ReplicaFinished | Notice]
# How often workers may die before it is the machine's or the program's fault.
_ATTEMPTS = 3
_POLL = 0.2
# Python's -P, for children that something else starts.
_SAFE_PATH = "PYTHONSAFEPATH"


@contextmanager
def shielded() -> Iterator[None]:
    """Processes that are started meanwhile never hear the terminal: Ctrl+C and a hangup are for the one that leads."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        # Signals that arrived meanwhile are delivered here.
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Backend(Protocol):
    """Trains units somewhere."""

    def run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]: ...


class UnitTrainer:
    """Trains units in this process; holds the data."""

    def __init__(self, config: RunConfig) -> None:
        from ..training.preparation import device, tensors
        from .stacked.passes import trouble_with_fusing

        dataset = load(config.dataset, data_dir=config.data_dir, offline=True, report=lambda event: None)
        place = device(config.device)
        self._training, self._validation = tensors(dataset.training, place), tensors(dataset.validation, place)
        self._dataset = dataset
        self._notices: list[Notice] = []
        on_cpu = place.type == "cpu"
        why_not = None if on_cpu else trouble_with_fusing(place)
        self._fused = not (on_cpu or why_not)
        if why_not:
            self._tell(f"{place}: stacks train more slowly, without kernels of their own: {why_not}")
        # Replicas at a time; fewer once the memory did not hold so many.
        self._most = sys.maxsize

    def train(self, unit: Unit, cancelled: Callable[[], bool]) -> Outcome:
        """Train one unit; Cancelled as soon as `cancelled()`, ClipwatchError if it cannot be."""
        from ..stream.sweep_config import is_stackable
        from ..training.preparation import lane_thread
        from .unstacked import train_alone

        if not is_stackable(unit.settings[0].config):
            return [train_alone(unit, self._dataset, cancelled)]
        with lane_thread():
            found = self._in_parts(unit, cancelled)
        notices, self._notices = self._notices, []
        return [*notices, *found]

    def _in_parts(self, unit: Unit, cancelled: Callable[[], bool]) -> list[ReplicaFinished]:
        """All of a unit at once, if the memory holds it, or else as much as it does."""
        from .stacked.replicas import DoesNotFit, train_stack

        found: list[ReplicaFinished] = []
        left = unit.seeds
        while left:
            seeds = max(1, self._most // len(unit.settings))
            part = msgspec.structs.replace(unit, seeds=left[:seeds])
            try:
                found += train_stack(part, self._training, self._validation, cancelled, fused=self._fused)
                left = left[seeds:]
            except DoesNotFit as error:
                if len(part.seeds) == 1:
                    raise
                self._most = len(part.replicas) // 2
                self._tell(f"{error}: fewer are trained at a time")
        return found

    def _tell(self, text: str) -> None:
        self._notices.append(Notice(text=text))


@contextmanager
def safe_path() -> Iterator[None]:
    """Let Python processes that start meanwhile import nothing from the current folder.

    A worker is begun as `python -c`, which would look there first: a `queue.py` would take the library's place.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


class LocalBackend:
    """A process per core."""

    def __init__(self, config: RunConfig, workers: int) -> None:
        self._config, self._workers = config, workers

    def run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]:
        """The outcomes as they come, an empty one now and then; ends early when `stopping()`.

        Units of a worker that died are done again.
        """
        with safe_path():
            yield from self._run(units, stopping, tell)

    def _run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]:
        context = multiprocessing.get_context("spawn")
        with shielded():
            flag = context.Event()
        again: list[Unit] = []
        for attempt in range(_ATTEMPTS):
            with ProcessPoolExecutor(self._workers, context, initializer=_begin, initargs=(self._config, flag)) as pool:
                try:
                    yield from self._drain(pool, _chained(again, units), again, stopping, flag)
                    return
                except BrokenProcessPool:
                    if stopping():
                        # Whoever ends the sweep may end its workers, too.
                        return
                    if attempt + 1 < _ATTEMPTS:
                        tell("a worker process died: its units are trained again")
                finally:
                    if stopping():
                        flag.set()
        raise ClipwatchError(f"worker processes died {_ATTEMPTS} times; is there enough memory? try fewer --workers")

    def _drain(
        self,
        pool: ProcessPoolExecutor,
        units: Iterator[Unit],
        again: list[Unit],
        stopping: Callable[[], bool],
        flag: Flag,
    ) -> Iterator[Outcome]:
        """Keep every worker busy and no more waiting; `again` is left with the units that had no outcome."""
        under_way: dict[Future[Outcome | None], Unit] = {}
        try:
            while True:
                while not stopping() and len(under_way) < 2 * self._workers and (unit := next(units, None)):
                    # A pool may break in this very moment: until the unit is under way, it is to be done again.
                    again.append(unit)
                    with shielded():
                        future = pool.submit(_train, unit)
                    under_way[future] = again.pop()
                if not under_way:
                    return
                done, _ = wait(under_way, timeout=_POLL, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = future.result()
                    del under_way[future]
                    if outcome:
                        yield outcome
                if stopping():
                    flag.set()
                # Lets the caller send notices while no outcome is ready.
                yield []
        except GeneratorExit:
            flag.set()
            raise
        finally:
            again[:] = [*under_way.values(), *again]


def _chained(again: list[Unit], units: Iterator[Unit]) -> Iterator[Unit]:
    """What is to be done again, then the rest; `units` outlives it, which `yield from` would not let it."""
    while again:
        yield again.pop(0)
    for unit in units:  # noqa: UP028
        yield unit


_worker: dict[str, Any] = {}


def _begin(config: RunConfig, flag: Flag) -> None:
    """A worker process begins.

    Why it cannot is told by its first unit: a worker that ends before it has one looks like one that died.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    threading.Thread(target=_end_with_leader, name="clipwatch-leader", daemon=True).start()
    try:
        _worker["trainer"], _worker["flag"] = UnitTrainer(config), flag
    except Exception as error:  # the process's edge
        _worker["error"] = error


def _end_with_leader() -> None:
    """One that is killed closes no queue: its workers would wait for ever."""
    leader = multiprocessing.parent_process()
    if leader:
        leader.join()
        os._exit(1)


def _train(unit: Unit) -> Outcome | None:
    if error := _worker.get("error"):
        raise error
    try:
        return _worker["trainer"].train(unit, _worker["flag"].is_set)
    except Cancelled:
        return None

"""Trains units: the protocol of a backend, and the one that uses a process for each core of this machine."""

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
from functools import cached_property
from multiprocessing.synchronize import Event as Flag
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ..data.run_dataset import read_dataset
from ..errors import Cancelled, ClipwatchError
from ..stream.config import RunConfig
from ..stream.events import Notice
from ..stream.sweep_events import ReplicaFinished
from .units import Unit

if TYPE_CHECKING:
    from torch import Tensor

# Results, and notices for the user.
Outcome = list[ReplicaFinished | Notice]
# The number of times that workers may die before the sweep fails.
_ATTEMPTS = 3
_POLL = 0.2
# Python's option -P; and the same order of sets in every worker, as in the processes of lanes.
_ENVIRONMENT = {"PYTHONSAFEPATH": "1", "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0")}


@contextmanager
def terminal_signals_blocked() -> Iterator[None]:
    """Block SIGINT and SIGHUP, also for processes started in this context, so that only this process handles them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        # Signals that arrived meanwhile are delivered now.
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Backend(Protocol):
    """Trains the units of a sweep."""

    def run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]: ...


class UnitTrainer:
    """Trains units in this process. Reads the data once."""

    def __init__(self, config: RunConfig) -> None:
        from ..training.preparation import usable_device
        from .stacked.passes import fusing_problem

        device = usable_device(config.device)
        self._dataset = read_dataset(config, lambda event: None, offline=True)
        self._device = device
        self._notices: list[Notice] = []
        on_cpu = device.type == "cpu"
        why_not = None if on_cpu else fusing_problem(device)
        self._fused = not (on_cpu or why_not)
        if why_not:
            self._add_notice(f"{device}: stacks train more slowly, without Triton kernels: {why_not}")
        # The limit of replicas at a time, lowered when memory runs out.
        self._limit = sys.maxsize

    def train(self, unit: Unit, cancelled: Callable[[], bool]) -> Outcome:
        """Train a unit. Raises Cancelled soon after `cancelled()` returns true, ClipwatchError if training fails."""
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
        """Train a unit at once, or in parts that fit the memory."""
        from .stacked.replicas import DoesNotFit, train_stack

        found: list[ReplicaFinished] = []
        left = unit.seeds
        while left:
            seeds = max(1, self._limit // len(unit.settings))
            part = msgspec.structs.replace(unit, seeds=left[:seeds])
            try:
                found += train_stack(part, *self._images, cancelled, fused=self._fused)
                left = left[seeds:]
            except DoesNotFit as error:
                if len(part.seeds) == 1:
                    raise
                self._limit = len(part.replicas) // 2
                self._add_notice(f"{error}: fewer are trained at a time")
        return found

    @cached_property
    def _images(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """The training and validation images of LeNet on the device."""
        from ..experiments.preparation import tensors

        assert self._dataset is not None
        return tensors(self._dataset.training, self._device), tensors(self._dataset.validation, self._device)

    def _add_notice(self, text: str) -> None:
        self._notices.append(Notice(text=text))


@contextmanager
def worker_environment() -> Iterator[None]:
    """Keep Python processes that start in this context from importing modules of the current folder.

    A worker starts as `python -c`, which searches that folder first: a `queue.py` there would replace the library's.
    """
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class LocalBackend:
    """Trains units in processes on this machine, one for each worker."""

    def __init__(self, config: RunConfig, workers: int) -> None:
        self._config, self._workers = config, workers

    def run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]:
        """Yield outcomes as they arrive, and an empty one now and then. Returns early when `stopping()`.

        The units of a worker that died are trained again.
        """
        with worker_environment():
            yield from self._run(units, stopping, tell)

    def _run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]:
        context = multiprocessing.get_context("spawn")
        with terminal_signals_blocked():
            flag = context.Event()
        again: list[Unit] = []
        for attempt in range(_ATTEMPTS):
            with ProcessPoolExecutor(
                self._workers, context, initializer=_start_worker, initargs=(self._config, flag)
            ) as pool:
                try:
                    yield from self._drain(pool, _chain(again, units), again, stopping, flag)
                    return
                except BrokenProcessPool:
                    if stopping():
                        # The signal that stops the sweep may have ended its workers, too.
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
        """Submit units so that each worker has one in progress and one waiting. `again` receives unfinished units."""
        running: dict[Future[Outcome | None], Unit] = {}
        try:
            while True:
                while not stopping() and len(running) < 2 * self._workers and (unit := next(units, None)):
                    # If the pool breaks now, the unit must be trained again.
                    again.append(unit)
                    with terminal_signals_blocked():
                        future = pool.submit(_train, unit)
                    running[future] = again.pop()
                if not running:
                    return
                done, _ = wait(running, timeout=_POLL, return_when=FIRST_COMPLETED)
                for future in done:
                    outcome = future.result()
                    del running[future]
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
            again[:] = [*running.values(), *again]


def _chain(again: list[Unit], units: Iterator[Unit]) -> Iterator[Unit]:
    """The units to train again, then the rest. `yield from` would close `units`, which is used again."""
    while again:
        yield again.pop(0)
    for unit in units:  # noqa: UP028
        yield unit


_worker: dict[str, Any] = {}


def _start_worker(config: RunConfig, flag: Flag) -> None:
    """Initialize a worker process.

    An error is raised with its first unit, because a pool takes a worker that fails here for one that died.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Standard output is for results: a user's code may print.
    os.dup2(2, 1)
    threading.Thread(target=_end_with_main_process, name="clipwatch-parent-watch", daemon=True).start()
    try:
        _worker["trainer"], _worker["flag"] = UnitTrainer(config), flag
    except Exception as error:  # The boundary of the process.
        _worker["error"] = error


def _end_with_main_process() -> None:
    """End this worker with the main process, which closes no queue if it is killed: workers would wait forever."""
    main_process = multiprocessing.parent_process()
    if main_process:
        main_process.join()
        os._exit(1)


def _train(unit: Unit) -> Outcome | None:
    if error := _worker.get("error"):
        raise error
    try:
        return _worker["trainer"].train(unit, _worker["flag"].is_set)
    except Cancelled:
        return None

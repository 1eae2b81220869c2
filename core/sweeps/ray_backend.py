"""Trains units as tasks of a Ray cluster: an existing one, or one that is started on this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, nullcontext
from pathlib import Path
from typing import Any

import msgspec

from ..engine.devices import check_device
from ..errors import ClipwatchError
from ..files.paths import user_path
from ..optional_packages import installation
from ..stream.builtin_experiments import BUILT_IN
from ..stream.config import RunConfig, to_toml
from .units import Unit
from .usable_cores import usable_cores
from .workers import Outcome, UnitTrainer, terminal_signals_blocked, worker_environment

# How often Ray retries a task whose worker or node is lost.
_RETRIES = 5
_POLL = 0.2
# A folder without Python files.
_NO_MODULES = Path(__file__).parents[1] / "data" / "embedded"


class RayBackend:
    """Runs each unit as a task on one core, at most `workers` at once if that is given.

    `address` is that of a cluster; None starts one on the loopback interface, without a dashboard.
    """

    def __init__(self, config: RunConfig, address: str | None, workers: int | None = None) -> None:
        # Absolute, because workers have another current folder.
        data_dir = str(user_path(config.data_dir).absolute()) if config.data_dir else None
        self._config = msgspec.structs.replace(config, data_dir=data_dir)
        self._address, self._workers = address, workers

    def run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]:
        """Yield outcomes as they arrive, and an empty one now and then. Returns early when `stopping()`."""
        if self._address is None:
            # Ray would wait forever for a device that this machine lacks.
            list(check_device(self._config.device))
        ray = _connect(self._address, self._workers or usable_cores())
        task = ray.remote(max_retries=_RETRIES, num_gpus=0 if self._config.device == "cpu" else 1)(_train)
        capacity = self._workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
        running: list[Any] = []
        try:
            while not stopping():
                while len(running) < capacity and (unit := next(units, None)):
                    running.append(task.remote(self._config, unit, os.getcwd()))
                if not running:
                    return
                done, running = ray.wait(running, timeout=_POLL)
                yield from map(ray.get, done)
                # Lets the caller send notices while no outcome is ready.
                yield []
        except ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except ray.exceptions.RayError as error:
            raise ClipwatchError(f"ray: {str(error).splitlines()[0]}") from error
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _connect(address: str | None, cores: int) -> Any:
    if address is None:
        # Ray reads this variable when it is imported. It makes a local cluster listen only on the loopback interface.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError as error:
        raise ClipwatchError(f"--backend ray needs ray: {installation('ray')}") from error
    # ray.init replaces the handler of SIGTERM.
    handler = signal.getsignal(signal.SIGTERM)
    try:
        # Ray puts the folder that is current now first on its workers' import path.
        with chdir(_NO_MODULES), worker_environment(), terminal_signals_blocked():
            if address is None and not ray.is_initialized():
                ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False)
            elif not ray.is_initialized():
                ray.init(address=address, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ClipwatchError(f"ray at {address or 'this machine'}: {str(error).splitlines()[0]}") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    return ray


# By the settings as text.
_trainers: dict[str, UnitTrainer] = {}


def _train(config: RunConfig, unit: Unit, folder: str) -> Outcome:
    """Train a unit in a worker of the cluster, which reads the data once. `folder`: where the user's paths begin."""
    key = to_toml(config)
    # Of the built-in experiments, nothing is imported from the user's folder.
    is_own = config.experiment not in BUILT_IN and os.path.isdir(folder)
    with chdir(folder) if is_own else nullcontext():
        if key not in _trainers:
            _trainers[key] = UnitTrainer(config)
        return _trainers[key].train(unit, lambda: False)

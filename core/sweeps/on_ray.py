"""Units as tasks of a Ray cluster: one that is there, or a small one of its own on this machine."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import msgspec

from ..engine.devices import checked
from ..errors import ClipwatchError
from ..extras import installation
from ..files.paths import user_path
from ..stream.config import RunConfig
from .cores import usable_cores
from .units import Unit
from .workers import Outcome, UnitTrainer, safe_path, shielded

# A task whose worker or node is lost is given to another, so often.
_RETRIES = 5
_POLL = 0.2
# A folder of ours that holds no Python.
_NO_MODULES = Path(__file__).parents[1] / "data" / "embedded"


class RayBackend:
    """One task a unit and core; `address` is a cluster's, None begins one on the loopback without a dashboard.

    At most `workers` tasks are under way at once, if that is given.
    """

    def __init__(self, config: RunConfig, address: str | None, workers: int | None = None) -> None:
        # Workers have a current folder of their own.
        data_dir = str(user_path(config.data_dir).absolute()) if config.data_dir else None
        self._config = msgspec.structs.replace(config, data_dir=data_dir)
        self._address, self._workers = address, workers

    def run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]:
        """The outcomes as they come, an empty one now and then; ends early when `stopping()`."""
        if self._address is None:
            # Ray would wait for ever for a device that this machine lacks.
            list(checked(self._config.device))
        ray = _connected(self._address, self._workers or usable_cores())
        task = ray.remote(max_retries=_RETRIES, num_gpus=0 if self._config.device == "cpu" else 1)(_train)
        room = self._workers or 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
        under_way: list[Any] = []
        try:
            while not stopping():
                while len(under_way) < room and (unit := next(units, None)):
                    under_way.append(task.remote(self._config, unit))
                if not under_way:
                    return
                done, under_way = ray.wait(under_way, timeout=_POLL)
                yield from map(ray.get, done)
                # Lets the caller send notices while no outcome is ready.
                yield []
        except ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except ray.exceptions.RayError as error:
            raise ClipwatchError(f"ray: {str(error).splitlines()[0]}") from error
        finally:
            for reference in under_way:
                ray.cancel(reference, force=True)


def _connected(address: str | None, cores: int) -> Any:
    if address is None:
        # Ray reads it when it is imported: a cluster of one machine listens on the loopback alone, as on macOS.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
    except ImportError as error:
        raise ClipwatchError(f"--backend ray needs ray: {installation('ray')}") from error
    # ray.init takes SIGTERM for itself.
    handler = signal.getsignal(signal.SIGTERM)
    try:
        # Ray has its workers import from the folder that is current now, before all others.
        with chdir(_NO_MODULES), safe_path(), shielded():
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


_trainers: dict[RunConfig, UnitTrainer] = {}


def _train(config: RunConfig, unit: Unit) -> Outcome:
    """On the cluster: the data is read once by each worker process."""
    if config not in _trainers:
        _trainers[config] = UnitTrainer(config)
    return _trainers[config].train(unit, lambda: False)

"""Units as tasks of a Ray cluster: one that is there, or a small one of its own on this machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..config import RunConfig
from ..errors import ClipwatchError
from .units import Unit
from .workers import Outcome, Trainer, shielded

# A task whose worker or node is lost is given to another, so often.
_RETRIES = 5
_POLL = 0.2


class RayBackend:
    """One task a unit and core; `address` is a cluster's, None begins one on the loopback without a dashboard."""

    def __init__(self, config: RunConfig, address: str | None) -> None:
        self._config, self._address = config, address

    def run(
        self, units: Iterator[Unit], stopping: Callable[[], bool], tell: Callable[[str], None]
    ) -> Iterator[Outcome]:
        """The outcomes as they come; ends early when `stopping()`."""
        ray = _connected(self._address)
        task = ray.remote(max_retries=_RETRIES, num_gpus=0 if self._config.device == "cpu" else 1)(_train)
        room = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
        under_way: list[Any] = []
        try:
            while not stopping():
                while len(under_way) < room and (unit := next(units, None)):
                    under_way.append(task.remote(self._config, unit))
                if not under_way:
                    return
                done, under_way = ray.wait(under_way, timeout=_POLL)
                yield from map(ray.get, done)
        except ray.exceptions.RayError as error:
            raise ClipwatchError(f"ray: {str(error).splitlines()[0]}") from error
        finally:
            for reference in under_way:
                ray.cancel(reference, force=True)


def _connected(address: str | None) -> Any:
    try:
        import ray
    except ImportError as error:
        raise ClipwatchError('--backend ray needs ray: pip install "clipwatch[ray]"') from error
    # ray.init takes SIGTERM for itself.
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with shielded():
            if address is None and not ray.is_initialized():
                ray.init(include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
            elif not ray.is_initialized():
                ray.init(address=address, log_to_driver=False)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ClipwatchError(f"ray at {address or 'this machine'}: {str(error).splitlines()[0]}") from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler)
    return ray


_trainers: dict[RunConfig, Trainer] = {}


def _train(config: RunConfig, unit: Unit) -> Outcome:
    """On the cluster: the data is read once by each worker process."""
    if config not in _trainers:
        _trainers[config] = Trainer(config)
    return _trainers[config].train(unit, lambda: False)

"""Trains a sweep in this process, and prints it."""

from __future__ import annotations

from contextlib import closing

from ...core.stream.config import RunConfig
from ...core.stream.sweep_events import SweepFinished
from ...core.sweeps.runner import Sweep
from ...core.sweeps.store import SweepFolder, read_sweep
from ...core.sweeps.workers import Backend
from ..engine_child.request import ResumeSweep, TrainSweep, Workplace
from ..headless.control import obey_standard_input
from ..signals import ending_signals
from ..text.messages import tell


def train(request: TrainSweep | ResumeSweep, *, json: bool, control: bool, quiet: bool = False) -> int:
    """Train the sweep that is requested, and print it; the exit code."""
    from ..headless.run import JsonSink
    from .console import SweepConsole

    sweep = _sweep(request)
    # `closing` ends the workers before the program ends, whatever ends it.
    with ending_signals(lambda _: sweep.stop()) as caught, closing(sweep.run()) as events:
        output = JsonSink() if json else SweepConsole(quiet=quiet, cores=request.workplace.cores)
        if control:
            obey_standard_input(sweep)
        failed = False
        try:
            for event in events:
                failed |= isinstance(event, SweepFinished) and event.reason == "failed"
                output.receive(event)
        finally:
            output.close()
    return 128 + caught[0] if caught else int(failed)


def _sweep(request: TrainSweep | ResumeSweep) -> Sweep:
    workers = request.workplace.workers
    match request:
        case TrainSweep(config=config, home=home):
            return Sweep(config, home, workers=workers, backend=_backend(request.workplace, config.base))
        case ResumeSweep():
            folder = SweepFolder(request.folder)
            read = read_sweep(folder)
            base = request.machine.settings(read.results.started.config.base, tell)
            backend = _backend(request.workplace, base)
            return Sweep.resume(folder, read, base=base, workers=workers, backend=backend)


def _backend(workplace: Workplace, base: RunConfig) -> Backend | None:
    """A Ray cluster, None for this machine."""
    if not workplace.on_ray:
        return None
    from ...core.sweeps.on_ray import RayBackend

    return RayBackend(base, workplace.ray_address, workplace.workers)

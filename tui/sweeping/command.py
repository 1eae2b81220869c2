"""`clipwatch sweep` and `clipwatch resume SWEEP` from the command line to the exit code."""

from __future__ import annotations

import argparse
from contextlib import closing

from ...core.config import RunConfig
from ...core.cores import usable_cores
from ...core.errors import BadInput
from ...core.runs import runs_folder
from ...core.sweeps.description import SweepConfig
from ...core.sweeps.folder import SweepFolder, read_sweep
from ...core.sweeps.results import SweepFinished
from ...core.sweeps.sweep import Sweep
from ...core.sweeps.workers import Backend
from ..control import obey_standard_input
from ..engine_request import ResumeSweep, TrainSweep, Workplace
from ..messages import tell
from ..settings import machine
from ..signals import ending_signals
from .options import describe_sweep, no_effect
from .progress import estimate, number_of

_LONG = 3600.0


def new_sweep(given: argparse.Namespace) -> int:
    """Train what the command line describes; the exit code."""
    workplace = _workplace(given)
    config = describe_sweep(given)
    _refuse_what_takes_long(config, given)
    return _perform(
        TrainSweep(config=config, home=runs_folder(given.runs_dir), workplace=workplace, debug=given.debug), given
    )


def resume_sweep(folder: SweepFolder, given: argparse.Namespace) -> int:
    """Train what is left of a sweep; the exit code."""
    if given.iterations is not None:
        raise BadInput("a sweep is resumed as it was described: leave --iterations out")
    if given.tensorboard:
        raise BadInput("--tensorboard is for runs: of a sweep there is clipwatch report")
    if given.show_diagnostics:
        raise no_effect("--diagnostics")
    return _perform(
        ResumeSweep(folder=folder.path, machine=machine(given), workplace=_workplace(given), debug=given.debug), given
    )


def _perform(request: TrainSweep | ResumeSweep, given: argparse.Namespace) -> int:
    if not (given.no_ui or given.json or given.control):
        from .live import show_sweep

        return show_sweep(request, quit_when_done=given.quit_when_done)
    return train(request, json=given.json, control=given.control, quiet=given.quiet)


def _refuse_what_takes_long(config: SweepConfig, given: argparse.Namespace) -> None:
    cores = _cores(given.workers)
    if config.seconds(cores) > _LONG and not given.yes and given.backend != "ray":
        raise BadInput(
            f"{number_of(config.replicas, 'training')} would take {estimate(config, cores)}:"
            " say --yes if that is meant, or take fewer seeds"
        )


def _cores(workers: int | None) -> int:
    return workers or usable_cores()


def _workplace(given: argparse.Namespace) -> Workplace:
    if given.ray_address and given.backend != "ray":
        raise BadInput("--ray-address is for --backend ray")
    if given.workers is not None and given.workers < 1:
        raise BadInput(f"workers {given.workers}: must be 1 or more")
    return Workplace(workers=given.workers, on_ray=given.backend == "ray", ray_address=given.ray_address)


def train(request: TrainSweep | ResumeSweep, *, json: bool, control: bool, quiet: bool = False) -> int:
    """Train a sweep in this process, and print it; the exit code."""
    from ..headless import JsonSink
    from .console import SweepConsole

    sweep, cores = _sweep(request), _cores(request.workplace.workers)
    # Closed, so that workers end before the program does, whatever ends it.
    with ending_signals(lambda _: sweep.stop()) as caught, closing(sweep.run()) as events:
        output = JsonSink() if json else SweepConsole(quiet=quiet, cores=cores)
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
            return Sweep.resumed(folder, read, base=base, workers=workers, backend=backend)


def _backend(workplace: Workplace, base: RunConfig) -> Backend | None:
    """The cluster that was asked for, None for this machine."""
    if not workplace.on_ray:
        return None
    from ...core.sweeps.on_ray import RayBackend

    return RayBackend(base, workplace.ray_address, workplace.workers)

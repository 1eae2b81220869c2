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
from ..settings import machine, wants_screen
from ..signals import ending_signals
from .options import describe_sweep, no_effect
from .progress import estimate, number_of

# Seconds above which a sweep is started with --yes only.
_LONG = 3600.0


def new_sweep(args: argparse.Namespace) -> int:
    """Train what the command line describes; the exit code."""
    workplace = _workplace(args)
    config = describe_sweep(args)
    _refuse_long_sweep(config, args)
    return _perform(
        TrainSweep(config=config, home=runs_folder(args.runs_dir), workplace=workplace, debug=args.debug), args
    )


def resume_sweep(folder: SweepFolder, args: argparse.Namespace) -> int:
    """Train what is left of a sweep; the exit code."""
    if args.iterations is not None:
        raise BadInput("a sweep is resumed as it was described: leave --iterations out")
    if args.tensorboard:
        raise BadInput("--tensorboard is for runs; write a sweep up with clipwatch report")
    if args.show_diagnostics:
        raise no_effect("--diagnostics")
    return _perform(
        ResumeSweep(folder=folder.path, machine=machine(args), workplace=_workplace(args), debug=args.debug), args
    )


def _perform(request: TrainSweep | ResumeSweep, args: argparse.Namespace) -> int:
    if wants_screen(args):
        from .live import show_sweep

        return show_sweep(request, quit_when_done=args.quit_when_done)
    return train(request, json=args.json, control=args.control, quiet=args.quiet)


def _refuse_long_sweep(config: SweepConfig, args: argparse.Namespace) -> None:
    cores = _cores(args.workers)
    if config.seconds(cores) > _LONG and not args.yes and args.backend != "ray":
        raise BadInput(
            f"{number_of(config.replicas, 'training')} would take {estimate(config, cores)}:"
            " add --yes to start it, or take fewer seeds"
        )


def _cores(workers: int | None) -> int:
    return workers or usable_cores()


def _workplace(args: argparse.Namespace) -> Workplace:
    if args.ray_address and args.backend != "ray":
        raise BadInput("--ray-address is for --backend ray")
    if args.workers is not None and args.workers < 1:
        raise BadInput(f"workers {args.workers}: must be 1 or more")
    return Workplace(workers=args.workers, on_ray=args.backend == "ray", ray_address=args.ray_address)


def train(request: TrainSweep | ResumeSweep, *, json: bool, control: bool, quiet: bool = False) -> int:
    """Train a sweep in this process, and print it; the exit code."""
    from ..headless import JsonSink
    from .console import SweepConsole

    sweep, cores = _sweep(request), _cores(request.workplace.workers)
    # `closing` ends the workers before the program ends, whatever ends it.
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
    """A Ray cluster, None for this machine."""
    if not workplace.on_ray:
        return None
    from ...core.sweeps.on_ray import RayBackend

    return RayBackend(base, workplace.ray_address, workplace.workers)

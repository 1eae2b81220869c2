"""`clipwatch sweep` and `clipwatch resume SWEEP`: from the options to a request, shown or trained here."""

from __future__ import annotations

import argparse

from ...core.errors import BadInput
from ...core.runs.folder import runs_folder
from ...core.stream.sweep_config import SweepConfig
from ...core.sweeps.store import SweepFolder
from ..engine_child.request import ResumeSweep, TrainSweep, Workplace
from ..sweep.progress import estimate, number_of
from .settings import machine, wants_screen
from .sweep_options import describe_sweep, no_effect

# Seconds above which a sweep is started with --yes only.
_LONG = 3600.0


def new_sweep(args: argparse.Namespace) -> int:
    """Train what the command line describes; the exit code."""
    place, config, home = _workplace(args), describe_sweep(args), runs_folder(args.runs_dir)
    if not args.yes:
        _refuse_long_sweep(config, place)
    return _perform(TrainSweep(config=config, home=home, workplace=place, debug=args.debug), args)


def resume_sweep(folder: SweepFolder, args: argparse.Namespace) -> int:
    """Train what is left of a sweep; the exit code."""
    if args.iterations is not None:
        raise BadInput("a sweep is resumed as it was described: leave --iterations out")
    if args.tensorboard:
        raise BadInput("--tensorboard is for runs; write a sweep up with clipwatch report")
    if args.show_diagnostics:
        raise no_effect("--diagnostics")
    place = _workplace(args)
    return _perform(ResumeSweep(folder=folder.path, machine=machine(args), workplace=place, debug=args.debug), args)


def _perform(request: TrainSweep | ResumeSweep, args: argparse.Namespace) -> int:
    if wants_screen(args):
        from ..sweep.run import show_sweep

        return show_sweep(request, quit_when_done=args.quit_when_done)
    from ..sweep.train import train

    return train(request, json=args.json, control=args.control, quiet=args.quiet)


def _refuse_long_sweep(config: SweepConfig, place: Workplace) -> None:
    """BadInput for one that takes hours on this machine."""
    if config.seconds(place.cores) > _LONG and not place.on_ray:
        raise BadInput(
            f"{number_of(config.replicas, 'training')} would take {estimate(config, place.cores)}:"
            " add --yes to start it, or take fewer seeds"
        )


def _workplace(args: argparse.Namespace) -> Workplace:
    if args.ray_address and args.backend != "ray":
        raise BadInput("--ray-address is for --backend ray")
    if args.workers is not None and args.workers < 1:
        raise BadInput(f"workers {args.workers}: must be 1 or more")
    return Workplace(workers=args.workers, on_ray=args.backend == "ray", ray_address=args.ray_address)

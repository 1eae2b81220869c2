"""`clipwatch sweep` and `clipwatch resume SWEEP`: trains a sweep, on the screen or headless."""

from __future__ import annotations

import argparse
from functools import partial

from ...core.errors import BadInput
from ...core.runs.folder import runs_folder
from ...core.runs.machine import Machine
from ...core.stream.sweep_config import SweepConfig
from ...core.sweeps.store import SweepFolder, read_sweep
from ..engine_child.request import BackendConfig, ResumeSweep, ScreenOptions, TrainSweep
from ..text.number_format import number_of
from ..text.sweep_estimate import estimate
from .experiment_settings import announce_code, warn_without_effect
from .replica_command import replica_after_sweep
from .settings import machine, screen_options, uses_screen
from .sweep_after_run import sweep_after_run
from .sweep_options import no_effect, sweep_from_options

# A sweep that takes longer than this many seconds needs --yes.
_MAX_SECONDS = 3600.0


def new_sweep(args: argparse.Namespace) -> int:
    """Train a new sweep as the command line describes it; return the exit code."""
    backend, config, record_in = _backend(args), sweep_from_options(args), runs_folder(args.runs_dir)
    warn_without_effect(config.base)
    if not args.yes:
        _check_duration(config, backend)
    request = TrainSweep(config=config, record_in=record_in, backend=backend, debug=args.debug)
    return _perform(request, args, ScreenOptions())


def train_sweep(config: SweepConfig, args: argparse.Namespace) -> int:
    """Train a sweep on this machine; return the exit code. `args` may be those of a run."""
    home = runs_folder(args.runs_dir)
    request = TrainSweep(config=config, record_in=home, backend=BackendConfig(), debug=args.debug)
    return _perform(request, args, screen_options(args))


def resume_sweep(folder: SweepFolder, args: argparse.Namespace) -> int:
    """Train the remaining replicas of a sweep; return the exit code."""
    if args.iterations is not None:
        raise BadInput("--iterations applies only to runs; a sweep continues with its own settings, so leave it out")
    if args.tensorboard:
        raise BadInput("--tensorboard applies only to runs; use clipwatch report for a sweep")
    if args.show_diagnostics:
        raise no_effect("--diagnostics")
    started = read_sweep(folder, curves=False).results.started
    announce_code(started.config.base.experiment, started.experiment)
    here = machine(args)
    request = ResumeSweep(folder=folder.path, machine=here, backend=_backend(args), debug=args.debug)
    return _perform(request, args, screen_options(args), here)


def _perform(
    request: TrainSweep | ResumeSweep, args: argparse.Namespace, options: ScreenOptions, machine: Machine | None = None
) -> int:
    """Train a sweep. A replica that is trained again after it is shown with these options, on this machine."""
    if uses_screen(args):
        from ..live.run import run_live
        from ..sweep.run import show_sweep

        show = partial(run_live, options=options, train_sweep=sweep_after_run(args))
        replica = replica_after_sweep(show, machine or Machine(), debug=args.debug)
        return show_sweep(request, quit_when_done=args.quit_when_done, show_replica=replica)
    from ..sweep.headless import train

    return train(request, json=args.json, control=args.control, quiet=args.quiet)


def _check_duration(config: SweepConfig, backend: BackendConfig) -> None:
    """Raise BadInput if the sweep would take hours on this machine."""
    seconds = config.seconds(backend.cores)
    if seconds is not None and seconds > _MAX_SECONDS and not backend.on_ray:
        raise BadInput(
            f"{number_of(config.replicas, 'training')} would take {estimate(config, backend.cores)}:"
            " add --yes to start it, or use fewer seeds"
        )


def _backend(args: argparse.Namespace) -> BackendConfig:
    if args.ray_address and args.backend != "ray":
        raise BadInput("--ray-address works only with --backend ray")
    if args.workers is not None and args.workers < 1:
        raise BadInput(f"workers {args.workers}: must be 1 or more")
    return BackendConfig(workers=args.workers, on_ray=args.backend == "ray", ray_address=args.ray_address)

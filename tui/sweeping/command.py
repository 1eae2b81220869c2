"""`clipwatch sweep` and `clipwatch resume SWEEP` from the command line to the exit code."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing

from ...core.config import RunConfig
from ...core.errors import BadInput
from ...core.runs import runs_folder
from ...core.sweeps.description import SweepConfig
from ...core.sweeps.folder import find_sweep, read_sweep
from ...core.sweeps.sweep import Sweep
from ...core.sweeps.workers import Backend
from ..messages import tell
from ..options import here
from ..signals import ending_signals
from .options import described
from .progress import estimate, number_of

_LONG = 3600.0


def new_sweep(given: argparse.Namespace) -> int:
    """Train what the command line describes; the exit code."""
    _check_workplace(given)
    config = described(given)
    if given.print_config:
        raise BadInput("--print-config is for runs: a sweep writes its settings into its folder")
    _refuse_what_takes_long(config, given)
    if _wants_screen(given):
        from .live import show_sweep

        return show_sweep(given.arguments, quit_when_done=given.quit_when_done)
    workers, backend = _workplace(given, config.base)
    return _run(Sweep(config, runs_folder(given.runs_dir), workers=workers, backend=backend), given)


def resume_sweep(given: argparse.Namespace) -> int:
    """Train what is left of a sweep; the exit code."""
    folder = find_sweep(given.run, runs_folder(given.runs_dir))
    if given.iterations is not None:
        raise BadInput("a sweep is resumed as it was described: leave --iterations out")
    if given.tensorboard:
        raise BadInput("--tensorboard is for runs: of a sweep there is clipwatch report")
    _check_workplace(given)
    if _wants_screen(given):
        from .live import show_sweep

        return show_sweep(given.arguments, quit_when_done=given.quit_when_done)
    read = read_sweep(folder)
    base = here(given).settings(read.results.started.config.base, tell)
    workers, backend = _workplace(given, base)
    return _run(Sweep.resumed(folder, read, base=base, workers=workers, backend=backend), given)


def _wants_screen(given: argparse.Namespace) -> bool:
    return not (given.no_ui or given.json or given.control)


def _refuse_what_takes_long(config: SweepConfig, given: argparse.Namespace) -> None:
    if config.seconds(_cores(given)) > _LONG and not given.yes and given.backend != "ray":
        raise BadInput(
            f"{number_of(config.replicas, 'training')} would take {estimate(config, _cores(given))}:"
            " say --yes if that is meant, or take fewer seeds"
        )


def _cores(given: argparse.Namespace) -> int:
    return given.workers or os.cpu_count() or 1


def _check_workplace(given: argparse.Namespace) -> None:
    if given.ray_address and given.backend != "ray":
        raise BadInput("--ray-address is for --backend ray")
    if given.workers is not None and given.workers < 1:
        raise BadInput(f"workers {given.workers}: must be 1 or more")


def _workplace(given: argparse.Namespace, base: RunConfig) -> tuple[int | None, Backend | None]:
    """The processes that were asked for, and the cluster, None for this machine."""
    if given.backend != "ray":
        return given.workers, None
    from ...core.sweeps.on_ray import RayBackend

    return given.workers, RayBackend(base, given.ray_address)


def _run(sweep: Sweep, given: argparse.Namespace) -> int:
    from .console import SweepConsole, SweepJson

    with ending_signals(lambda _: sweep.stop()) as caught, closing(sweep.run()) as told:
        output = SweepJson() if given.json else SweepConsole(quiet=given.quiet, cores=_cores(given))
        if given.control:
            _stop_when_input_ends(sweep)
        try:
            for event in told:
                output.receive(event)
        finally:
            output.close()
    return 128 + caught[0] if caught else 0


def _stop_when_input_ends(sweep: Sweep) -> None:
    """Whoever watches says Stop, or goes away: either ends the sweep."""
    import threading

    def listen() -> None:
        sys.stdin.buffer.readline()
        sweep.stop()

    threading.Thread(target=listen, name="clipwatch-control", daemon=True).start()

"""`clipwatch sweep` and `clipwatch resume SWEEP` from the command line to the exit code."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

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
from ..messages import tell
from ..options import here
from .options import described, no_effect
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

        return show_sweep(given.arguments)
    workers, backend = _workplace(given, config.base)
    return _run(Sweep(config, runs_folder(given.runs_dir), workers=workers, backend=backend), given)


def resume_sweep(folder: SweepFolder, given: argparse.Namespace) -> int:
    """Train what is left of a sweep; the exit code."""
    if given.iterations is not None:
        raise BadInput("a sweep is resumed as it was described: leave --iterations out")
    if given.tensorboard:
        raise BadInput("--tensorboard is for runs: of a sweep there is clipwatch report")
    if given.show_diagnostics:
        raise no_effect("--diagnostics")
    _check_workplace(given)
    if _wants_screen(given):
        from .live import show_sweep

        return show_sweep(given.arguments)
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
    return given.workers or usable_cores()


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

    return given.workers, RayBackend(base, given.ray_address, given.workers)


def _run(sweep: Sweep, given: argparse.Namespace) -> int:
    from .console import SweepConsole, SweepJson

    with _signals_stop(sweep) as caught:
        output = SweepJson() if given.json else SweepConsole(quiet=given.quiet, cores=_cores(given))
        if given.control:
            obey_standard_input(sweep)
        try:
            failed = False
            for event in sweep.run():
                failed |= isinstance(event, SweepFinished) and event.reason == "failed"
                output.receive(event)
        finally:
            output.close()
    return 128 + caught[0] if caught else int(failed)


@contextmanager
def _signals_stop(sweep: Sweep) -> Iterator[list[int]]:
    """The first SIGINT or SIGTERM ends the sweep in good order, a second the program at once."""
    caught: list[int] = []

    def stop(number: int, frame: object) -> None:
        if caught:
            os._exit(128 + number)
        caught.append(number)
        sweep.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Trains a sweep from this process and prints it."""

from __future__ import annotations

from contextlib import closing

from ...core.files.paths import path_text
from ...core.stream.config import RunConfig
from ...core.stream.events import Notice, RecordingStarted
from ...core.stream.sweep_events import SweepFinished
from ...core.sweeps.runner import Sweep
from ...core.sweeps.store import SweepFolder, read_sweep
from ...core.sweeps.workers import Backend
from ..engine_child.request import BackendConfig, ReplaySweep, ResumeSweep, TrainSweep
from ..headless.control import forward_stdin_commands
from ..signals import ending_signals
from ..text.messages import tell


def train(request: TrainSweep | ResumeSweep, *, json: bool, control: bool, quiet: bool = False) -> int:
    """Train the sweep of a request and print it; return the exit code."""
    from ..headless.run import JsonSink
    from .console import SweepConsole

    sweep = _sweep(request)
    # `closing` ends the workers even if printing raises.
    with ending_signals(lambda _: sweep.stop()) as signals, closing(sweep.run()) as events:
        output = JsonSink() if json else SweepConsole(quiet=quiet, cores=request.backend.cores)
        if control:
            forward_stdin_commands(sweep)
        failed = False
        try:
            for event in events:
                failed |= isinstance(event, SweepFinished) and event.reason == "failed"
                output.receive(event)
        finally:
            output.close()
    return 128 + signals[0] if signals else int(failed)


def replay(request: ReplaySweep) -> int:
    """Print the recorded results of a sweep as JSON lines; return the exit code."""
    from ..headless.run import JsonSink

    read = read_sweep(SweepFolder(request.folder))
    results, output = read.results, JsonSink()
    reason = "stopped" if results.unfinished else "failed" if results.all_diverged else "completed"
    output.receive(results.started)
    output.receive(RecordingStarted(folder=path_text(request.folder)))
    for replica in results.replicas.values():
        output.receive(replica)
    # When it ended is not recorded.
    output.receive(SweepFinished(reason=reason, seconds=0.0))
    missing = "; not finished: clipwatch resume continues it" if results.unfinished else ""
    output.receive(Notice(text=f"recorded sweep{missing}; q closes it", level="info"))
    for text in read.damage:
        output.receive(Notice(text=text))
    output.close()
    return 0


def _sweep(request: TrainSweep | ResumeSweep) -> Sweep:
    workers = request.backend.workers
    match request:
        case TrainSweep(config=config, record_in=record_in):
            return Sweep(config, record_in, workers=workers, backend=_backend(request.backend, config.base))
        case ResumeSweep():
            folder = SweepFolder(request.folder)
            read = read_sweep(folder)
            base = request.machine.settings(read.results.started.config.base, tell)
            backend = _backend(request.backend, base)
            return Sweep.resume(folder, read, base=base, workers=workers, backend=backend)


def _backend(config: BackendConfig, base: RunConfig) -> Backend | None:
    """The Ray backend, None for this machine."""
    if not config.on_ray:
        return None
    from ...core.sweeps.ray_backend import RayBackend

    return RayBackend(base, config.ray_address, config.workers)

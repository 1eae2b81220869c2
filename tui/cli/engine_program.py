"""The engine program that the screen starts: reads one request from a file descriptor and performs it.

It writes events to standard output and reads commands from standard input, as `--json --control` does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..engine_child.request import (
    AnyRequest,
    AttachRun,
    ReplayRun,
    ReplaySweep,
    ResumeRun,
    ResumeSweep,
    TrainRun,
    TrainSweep,
    decoded_request,
)
from ..exit_codes import exit_code


def main() -> int:
    """Perform the request from the descriptor whose number is the only argument; return the exit code."""
    with open(int(sys.argv[1]), "rb") as descriptor:
        request = decoded_request(descriptor.read())
    return exit_code(lambda: _perform(request), debug=request.debug)


def _perform(request: AnyRequest) -> int:
    if isinstance(request, TrainSweep | ResumeSweep):
        from ..sweep.headless import train

        return train(request, json=True, control=True)
    if isinstance(request, ReplaySweep):
        from ..sweep.headless import replay

        return replay(request)
    return _perform_run(request)


def _perform_run(request: TrainRun | ResumeRun | ReplayRun | AttachRun) -> int:
    from ...core.runs.folder import RunFolder
    from ..headless.run import HeadlessOptions, attach_headless, replay_headless, resume_headless, run_headless

    def options(record_in: Path | None = None, tensorboard: Path | None = None) -> HeadlessOptions:
        return HeadlessOptions(json=True, control=True, quiet=False, record_in=record_in, tensorboard=tensorboard)

    match request:
        case TrainRun(config=config, record_in=record_in, tensorboard=tensorboard):
            return run_headless(config, options(record_in, tensorboard))
        case ResumeRun(folder=folder, iterations=iterations, machine=machine, tensorboard=tensorboard):
            return resume_headless(RunFolder(folder), iterations, machine, options(tensorboard=tensorboard))
        case ReplayRun(folder=folder, speed=speed):
            return replay_headless(RunFolder(folder), speed, options())
        case AttachRun(folder=folder):
            return attach_headless(RunFolder(folder), options())


if __name__ == "__main__":
    raise SystemExit(main())

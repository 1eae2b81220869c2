"""`clipwatch --no-ui`: passes a session's events to a sink, and signals and standard input to it as commands."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...core.engine.following import Follower
from ...core.engine.replay import Replay
from ...core.engine.resume import read_interrupted
from ...core.engine.session import Session
from ...core.errors import BadInput
from ...core.files.paths import path_text
from ...core.runs.folder import RunFolder
from ...core.runs.machine import Machine
from ...core.runs.reader import read_recording
from ...core.runs.recorder import Recorder
from ...core.stream.codec import encode
from ...core.stream.commands import Stop
from ...core.stream.config import RunConfig
from ...core.stream.events import Event, LaneFailed, Notice, RecordingStarted, RunFinished, RunStarted
from ..signals import ending_signals
from .control import CommandReceiver, forward_stdin_commands

if TYPE_CHECKING:
    from ...core.training.checkpoint import AnyCheckpoint
    from .tensorboard import LiveTensorBoard


class Sink(Protocol):
    """Receives events, and is closed after the last one."""

    def receive(self, event: Event) -> None: ...

    def close(self) -> None: ...


class JsonSink:
    """Writes each event to standard output as a JSON line, encoded by `line`."""

    def __init__(self, line: Callable[[Event], bytes] = encode) -> None:
        self._line = line

    def receive(self, event: Event) -> None:
        sys.stdout.buffer.write(self._line(event) + b"\n")
        sys.stdout.buffer.flush()

    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class HeadlessOptions:
    """What a headless run prints, whether it reads commands, and where it is recorded.

    `json`: print JSON lines. `control`: read commands from standard input. `quiet`: print only the summary.
    `diagnostics`: also print the effect of clipping. `record_in` is the folder of runs and `tensorboard` that of the
    TensorBoard logs (None: do not write them).
    """

    json: bool
    control: bool
    quiet: bool
    diagnostics: bool = False
    record_in: Path | None
    tensorboard: Path | None = None


def run_headless(config: RunConfig, options: HeadlessOptions) -> int:
    """Train a new run, record and print it; return the exit code."""
    recorder = Recorder(options.record_in) if options.record_in else None
    board = _tensorboard(options, recorder)
    session = Session(config, lasting=options.control, keep=_checkpoint_writer(recorder, board))
    events = board.through(session.run()) if board else session.run()
    if recorder is None:
        return _run(session, events, options, board)
    return _run(session, recorder.through(events), options, board, recorder.line)


def resume_headless(folder: RunFolder, iterations: int | None, machine: Machine, options: HeadlessOptions) -> int:
    """Print a run as recorded so far, then continue to train, record and print it; return the exit code."""
    recorder = Recorder(folder.path.parent)
    board = _tensorboard(options, recorder)
    lock = folder.claim()
    run = read_interrupted(folder, iterations)
    if run.is_done and not options.control:
        lock.release()
        raise BadInput(
            f"run {path_text(folder.path)}: nothing is left to train;"
            " to continue, add --iterations N (the total number of steps)"
        )
    notices = list(run.recorded.damage)
    recorder.reopen(folder, lock, run.recorded)
    resumption = run.resumption(notices)
    config = machine.settings(run.config, notices.append)
    session = Session(config, lasting=options.control, keep=_checkpoint_writer(recorder, board), resumption=resumption)
    live = chain([Notice(text=text) for text in notices], run.unrecorded_events(session.run()))
    recorded = _with_current_folder(
        folder, (event for event in run.recorded.events if not isinstance(event, RunFinished))
    )
    if board:
        from ...core.tensorboard.sink import with_checkpoints

        recorded = board.through(with_checkpoints(recorded, folder.checkpoints, board.keep, session.tell))
        live = board.through(live)
    return _run(session, chain(recorded, recorder.through(live)), options, board, recorder.line)


def replay_headless(folder: RunFolder, speed: float | None, options: HeadlessOptions) -> int:
    """Replay a recorded run; return the exit code."""
    recorded = read_recording(folder.events)
    replay = Replay(path_text(Path(folder.path.name)), recorded.table, speed=speed, lasting=options.control)
    for text in recorded.damage:
        replay.tell(text)
    return _run(replay, _with_current_folder(folder, replay.run()), options)


def attach_headless(folder: RunFolder, options: HeadlessOptions) -> int:
    """Follow a run that another process trains; return the exit code, which is 1 if its recording was taken away."""
    follower = Follower(folder, lasting=options.control)
    code = _run(follower, _with_current_folder(folder, follower.run()), options)
    return code or int(follower.lost)


def _with_current_folder(folder: RunFolder, events: Iterable[Event]) -> Iterator[Event]:
    """The events of a run, with its current folder in place of the one in which it was recorded."""
    for event in events:
        yield RecordingStarted(folder=path_text(folder.path)) if isinstance(event, RecordingStarted) else event


def _tensorboard(options: HeadlessOptions, recorder: Recorder | None) -> LiveTensorBoard | None:
    if options.tensorboard is None:
        return None
    from .tensorboard import LiveTensorBoard

    return LiveTensorBoard(options.tensorboard, lambda: recorder.folder if recorder else None)


def _checkpoint_writer(
    recorder: Recorder | None, board: LiveTensorBoard | None
) -> Callable[[AnyCheckpoint], None] | None:
    """A function that passes a lane's checkpoint to the recorder and to TensorBoard, None if there is neither."""
    writers = [sink.keep for sink in (recorder, board) if sink]

    def write(checkpoint: AnyCheckpoint) -> None:
        for write_checkpoint in writers:
            write_checkpoint(checkpoint)

    return write if writers else None


def _run(
    session: CommandReceiver,
    events: Iterable[Event],
    options: HeadlessOptions,
    board: LiveTensorBoard | None = None,
    line: Callable[[Event], bytes] = encode,
) -> int:
    if options.control:
        forward_stdin_commands(session)
    with ending_signals(lambda _: session.send(Stop())) as signals, closing(board) if board else nullcontext():
        exit_code = _drain(events, JsonSink(line) if options.json else _console(options))
    return 128 + signals[0] if signals else exit_code


def _console(options: HeadlessOptions) -> Sink:
    from .console import ConsoleSink

    return ConsoleSink(quiet=options.quiet, diagnostics=options.diagnostics)


def _drain(events: Iterable[Event], sink: Sink) -> int:
    failed = False
    try:
        for event in events:
            sink.receive(event)
            if isinstance(event, RunStarted):
                failed = False
            # A lane that diverges is a result; a lane that raises is a failure.
            failed |= isinstance(event, LaneFailed) and event.reason == "error"
            failed |= isinstance(event, RunFinished) and event.reason == "failed"
    finally:
        # Without this, the last garbage collection searches all objects of torch for half a second.
        gc.freeze()
        sink.close()
    return 1 if failed else 0

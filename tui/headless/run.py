"""`clipwatch --no-ui`: one session, its events to a sink, signals and standard input to its commands."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ...core.engine.engine import Resumption
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
from .control import Conversation, obey_standard_input

if TYPE_CHECKING:
    from ...core.training.checkpoint import Checkpoint
    from .tensorboard import LiveTensorBoard


class Sink(Protocol):
    """Where events go."""

    def receive(self, event: Event) -> None: ...

    def close(self) -> None: ...


class JsonSink:
    """The stream itself, a line an event; `line` makes it."""

    def __init__(self, line: Callable[[Event], bytes] = encode) -> None:
        self._line = line

    def receive(self, event: Event) -> None:
        sys.stdout.buffer.write(self._line(event) + b"\n")
        sys.stdout.buffer.flush()

    def close(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a headless run prints, listens, records (in a folder of runs) and writes for TensorBoard (None: nowhere).

    With `diagnostics` it prints what the clip does, too.
    """

    json: bool
    control: bool
    quiet: bool
    diagnostics: bool = False
    record_in: Path | None
    tensorboard: Path | None = None


def run_headless(config: RunConfig, manner: Manner) -> int:
    """Train, record and print; the exit code."""
    recorder = Recorder(manner.record_in) if manner.record_in else None
    board = _tensorboard(manner, recorder)
    session = Session(config, lasting=manner.control, keep=_keeping(recorder, board))
    events = board.through(session.run()) if board else session.run()
    if recorder is None:
        return _run(session, events, manner, board)
    return _run(session, recorder.through(events), manner, board, recorder.line)


def resume_headless(folder: RunFolder, iterations: int | None, machine: Machine, manner: Manner) -> int:
    """Print what a run recorded, then train on, record and print; the exit code."""
    recorder = Recorder(folder.path.parent)
    board = _tensorboard(manner, recorder)
    lock = folder.claim()
    run = read_interrupted(folder, iterations)
    if run.is_done and not manner.control:
        lock.release()
        raise BadInput(f"run {path_text(folder.path)}: nothing is left to train; --iterations N goes on to N steps")
    told = list(run.recorded.damage)
    recorder.reopen(folder, lock, run.recorded)
    snapshots = run.snapshots(told)
    resumption = Resumption(
        snapshots=snapshots,
        seconds=run.recorded.seconds,
        iterations=run.iterations,
        commands=run.commands(snapshots),
        recorded=run.recorded_steps,
        diverged=run.diverged,
    )
    config = machine.settings(run.config, told.append)
    session = Session(config, lasting=manner.control, keep=_keeping(recorder, board), resumption=resumption)
    notices = [Notice(text=text) for text in told]
    live = chain(notices, run.unrecorded_events(session.run()))
    before = _as_it_lies(folder, (event for event in run.recorded.events if not isinstance(event, RunFinished)))
    if board:
        from ...core.tensorboard.sink import with_checkpoints

        before = board.through(with_checkpoints(before, folder.checkpoints, board.keep, session.tell))
        live = board.through(live)
    return _run(session, chain(before, recorder.through(live)), manner, board, recorder.line)


def replay_headless(folder: RunFolder, speed: float | None, manner: Manner) -> int:
    """Print a recorded run again; the exit code."""
    recorded = read_recording(folder.events)
    replay = Replay(path_text(Path(folder.path.name)), recorded.table, speed=speed, lasting=manner.control)
    for text in recorded.damage:
        replay.tell(text)
    return _run(replay, _as_it_lies(folder, replay.run()), manner)


def _as_it_lies(folder: RunFolder, events: Iterable[Event]) -> Iterator[Event]:
    """The events of a run; it may have been recorded elsewhere, but is told to be where it is."""
    for event in events:
        yield RecordingStarted(folder=path_text(folder.path)) if isinstance(event, RecordingStarted) else event


def _tensorboard(manner: Manner, recorder: Recorder | None) -> LiveTensorBoard | None:
    if manner.tensorboard is None:
        return None
    from .tensorboard import LiveTensorBoard

    return LiveTensorBoard(manner.tensorboard, lambda: recorder.folder if recorder else None)


def _keeping(recorder: Recorder | None, board: LiveTensorBoard | None) -> Callable[[Checkpoint], None] | None:
    """Gives lanes' checkpoints to whoever wants them, None if nobody does."""
    keepers = [one.keep for one in (recorder, board) if one]

    def keep(kept: Checkpoint) -> None:
        for give in keepers:
            give(kept)

    return keep if keepers else None


def _run(
    session: Conversation,
    events: Iterable[Event],
    manner: Manner,
    board: LiveTensorBoard | None = None,
    line: Callable[[Event], bytes] = encode,
) -> int:
    if manner.control:
        obey_standard_input(session)
    with ending_signals(lambda _: session.send(Stop())) as caught, closing(board) if board else nullcontext():
        exit_code = _drain(events, JsonSink(line) if manner.json else _console(manner))
    return 128 + caught[0] if caught else exit_code


def _console(manner: Manner) -> Sink:
    from .console import ConsoleSink

    return ConsoleSink(quiet=manner.quiet, diagnostics=manner.diagnostics)


def _drain(events: Iterable[Event], sink: Sink) -> int:
    failed = False
    try:
        for event in events:
            sink.receive(event)
            if isinstance(event, RunStarted):
                failed = False
            # A lane that diverges is a finding; one that raises is a fault.
            failed |= isinstance(event, LaneFailed) and event.reason == "error"
            failed |= isinstance(event, RunFinished) and event.reason == "failed"
    finally:
        # Else the interpreter searches all of torch for garbage before it ends, for half a second.
        gc.freeze()
        sink.close()
    return 1 if failed else 0

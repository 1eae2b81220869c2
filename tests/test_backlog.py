"""What waits for a reader is bounded, and whoever must not wait never does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from test_state import LANE, RUN

from clipwatch.core.engine import backlog
from clipwatch.core.engine.backlog import Backlog
from clipwatch.core.engine.engine import Engine
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import Evaluated, Event, RunFinished
from clipwatch.core.training.checkpoint import Checkpoint

ENDLESS = RunConfig(
    settings={"dataset": "digits"}, offline=True, iterations=10**9, eval_every=1, eval_size=10, checkpoint_every=1
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_MAX_EVENTS", 20)
    monkeypatch.setattr(backlog, "_MAX_CHECKPOINTS", 3)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("large", [False, True])
def test_what_lanes_tell_waits_for_room_and_the_rest_does_not(large: bool) -> None:
    given_up = threading.Event()
    waiting: Backlog[int] = Backlog(given_up)
    put, room = (waiting.put_checkpoint, 3) if large else (waiting.put_event, 20)
    for number in range(room):
        put(number)
    lane = threading.Thread(target=put, args=(room,))
    lane.start()
    waiting.put(-1)
    lane.join(0.1)
    assert lane.is_alive()
    for number in (*range(room), -1):
        assert waiting.get() == number
        if large:
            waiting.checkpoint_taken()
    assert waiting.get() == room
    lane.join()


@pytest.mark.usefixtures("small")
def test_nobody_waits_for_room_any_more_once_the_reader_has_gone() -> None:
    given_up = threading.Event()
    waiting: Backlog[int] = Backlog(given_up)
    lane = threading.Thread(target=lambda: [waiting.put_event(number) for number in range(30)])
    lane.start()
    given_up.set()
    lane.join(10)
    assert [waiting.get() for _ in range(30)] == list(range(30))


@pytest.mark.usefixtures("small")
def test_a_reader_that_stands_still_has_the_lanes_wait_and_nothing_is_lost() -> None:
    kept: list[Checkpoint] = []
    engine = Engine(ENDLESS, keep=kept.append)
    events: list[Event] = []
    threads = set(threading.enumerate())
    for event in engine.run():
        events.append(event)
        if isinstance(event, Evaluated) and event.step == 30:
            break_at = threading.Event()
            # Until no lane has got on for a while.
            steps: list[int] = []
            while len(steps) < 2 or steps[-1] != steps[-2]:
                break_at.wait(0.2)
                steps.append(sum(trainer.step for trainer in engine._made.lanes))
            engine.tell("said by the reader itself")
            break
    # Leaving ends the lanes, though they wait for room.
    assert all(not thread.name.startswith("clipwatch-") for thread in set(threading.enumerate()) - threads)
    for lane in ("unclipped", "clipped"):
        seen = [event.step for event in events if isinstance(event, Evaluated) and event.lane == lane]
        assert seen == list(range(len(seen)))
    assert steps[-1] < 2 * 30 + 2 * 20


def test_waiting_for_the_reader_is_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_MAX_EVENTS", 1)
    full: Backlog[int] = Backlog(threading.Event())
    waited: list[str] = []

    @contextmanager
    def waiting() -> Iterator[None]:
        waited.append("begun")
        assert full.get() == 1
        yield
        waited.append("ended")

    full.put_event(1, waiting)
    assert not waited
    full.put_event(2, waiting)
    assert waited == ["begun", "ended"]


def test_snapshots_that_newer_ones_would_replace_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, int]] = []
    first, go_on = threading.Event(), threading.Event()

    def save(kept: Checkpoint, folder: Path) -> None:
        first.set()
        go_on.wait()
        written.append((kept.lane, kept.step))

    monkeypatch.setattr(Checkpoint, "save", save)
    recorder = Recorder(tmp_path)

    def story() -> list[Event]:
        yield from (RUN, LANE)
        recorder.keep(Checkpoint("a", 1, {}))
        first.wait()
        for step in range(2, 100):
            recorder.keep(Checkpoint("a", step, {"parameters": torch.zeros(1)}))
        recorder.keep(Checkpoint("b", 7, {}))
        go_on.set()
        yield RunFinished(reason="completed", seconds=1.0)

    list(recorder.through(story()))
    assert sorted(written) == [("a", 1), ("a", 97), ("a", 98), ("a", 99), ("b", 7)]
    assert written.index(("b", 7)) < written.index(("a", 98))

"""Runs one after another in one stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clipwatch.core.engine import session
from clipwatch.core.engine.engine import Engine
from clipwatch.core.engine.session import Session
from clipwatch.core.stream.commands import AnyCommand, Restart, SetPace, Stop
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import Evaluated, Event, LaneFinished, Notice, RunFinished, RunStarted
from clipwatch.core.stream.experiment_info import Value

SMALL = RunConfig(settings={"dataset": "digits"}, offline=True, iterations=40, eval_every=5, eval_size=20)


def events_of(react: Callable[[Event], AnyCommand | None], *, lasting: bool = False) -> list[Event]:
    session = Session(SMALL, lasting=lasting)
    events = []
    for event in session.run():
        events.append(event)
        if command := react(event):
            session.send(command)
    return events


def once(kind: type, command: AnyCommand) -> Callable[[Event], AnyCommand | None]:
    """Gives the command at the first event of that kind."""
    commands = [command]
    return lambda event: commands.pop() if commands and isinstance(event, kind) else None


def losses(events: list[Event]) -> list[tuple[str, int, float]]:
    return sorted((event.lane, event.step, event.loss) for event in events if isinstance(event, Evaluated))


def test_a_restart_ends_the_run_and_begins_one_with_the_new_seed_and_head() -> None:
    events = events_of(once(Evaluated, Restart(seed=7, settings={"head": "linear"})))
    started = [event for event in events if isinstance(event, RunStarted)]
    assert [(event.config.seed, event.config.settings["head"]) for event in started] == [(0, "relu"), (7, "linear")]
    finished = [event.reason for event in events if isinstance(event, RunFinished)]
    assert finished == ["stopped", "completed"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"haed": "linear"}, "Restart: lenet has no setting 'haed' (did you mean 'head'?)"),
        ({"init_std": "wide"}, "Restart: init-std 'wide': Expected float, got str"),
        ({"head": "linaer"}, "Restart: unknown head 'linaer' (did you mean 'linear'?); select one of relu, linear"),
    ],
)
def test_a_restart_that_cannot_be_obeyed_is_a_notice_and_the_run_goes_on(settings: dict[str, Value], told: str) -> None:
    events = events_of(once(Evaluated, Restart(settings=settings)))
    assert told in [event.text for event in events if isinstance(event, Notice)]
    assert [event.reason for event in events if isinstance(event, RunFinished)] == ["completed"]


def test_a_restart_with_nothing_new_gives_the_same_numbers() -> None:
    def restart_then_stop(event: Event) -> AnyCommand | None:
        if isinstance(event, LaneFinished) and event.reason == "completed":
            done.append(event.lane)
            return {2: Restart(), 4: Stop()}.get(len(done))
        return None

    done: list[str] = []
    events = events_of(restart_then_stop, lasting=True)
    second = next(i for i, event in enumerate(events) if isinstance(event, RunStarted) and i > 5)
    assert losses(events[:second]) == losses(events[second:])
    assert losses(events)


def test_a_stop_after_a_restart_ends_everything() -> None:
    commands: list[AnyCommand] = [Stop(), Restart(seed=1)]

    def both(event: Event) -> AnyCommand | None:
        # The stop comes at whatever happens next, long before the first run has ended.
        begun = len(commands) < 2 or isinstance(event, Evaluated)
        return commands.pop() if commands and begun else None

    events = events_of(both)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "stopped"
    assert sum(isinstance(event, RunStarted) for event in events) == 1


def test_a_stop_that_comes_while_the_next_run_is_made_ends_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Engine] = []

    def make(*arguments: Any, **options: Any) -> Engine:
        if made:
            # As a signal on the reader's thread does.
            running.send(Stop())
        made.append(Engine(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(session, "Engine", make)
    running = Session(SMALL)
    events = []
    for event in running.run():
        events.append(event)
        if isinstance(event, Evaluated) and len(made) == 1:
            running.send(Restart(seed=1))
    assert [event.reason for event in events if isinstance(event, RunFinished)] == ["stopped", "stopped"]


def test_a_restart_goes_on_at_the_pace_that_was_set() -> None:
    commands: list[AnyCommand] = [Restart(seed=1), SetPace(pace=5000.0)]

    def pace_then_restart(event: Event) -> AnyCommand | None:
        return commands.pop() if commands and isinstance(event, Evaluated) else None

    events = events_of(pace_then_restart)
    assert [event.config.pace for event in events if isinstance(event, RunStarted)] == [None, 5000.0]

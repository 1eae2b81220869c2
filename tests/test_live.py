"""The engine is on its way while the screen loads, and does not outlive a screen that never came."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from clipwatch.core.stream.commands import Fork
from clipwatch.tui.engine_child.request import ScreenOptions
from clipwatch.tui.live import run as live


class Engine:
    """Notes that it was stopped."""

    def __init__(self, command: list[str]) -> None:
        self.command, self.stopped = command, False

    def stop(self) -> list[bytes]:
        self.stopped = True
        return []


def test_the_engine_is_started_before_the_screen_is_loaded_and_stopped_if_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engines: list[Engine] = []
    monkeypatch.setenv("TEXTUAL_DRIVER", "none needed")
    monkeypatch.setattr(live, "EngineProcess", lambda command: engines.append(Engine(command)) or engines[-1])
    # What is None in there cannot be imported.
    monkeypatch.setitem(sys.modules, "clipwatch.tui.live.app", None)
    with pytest.raises(ImportError):
        live.run_live(["an", "engine"], ScreenOptions())
    (engine,) = engines
    assert engine.command == ["an", "engine"]
    assert engine.stopped


@pytest.mark.parametrize("forks", [True, False])
def test_a_replay_that_a_fork_follows_prints_no_summary(monkeypatch: pytest.MonkeyPatch, *, forks: bool) -> None:
    done: list[str] = []
    view = SimpleNamespace(state=SimpleNamespace(lanes={"a": None}, attached=None))
    fork = Fork(lane="a", name="b", rule="none", at_step=3) if forks else None

    class App(SimpleNamespace):
        def __init__(self, *_: object, **options: object) -> None:
            super().__init__(show=list, failure="", view=view, sweep=None, fork=fork, exit_code=0)

    def train(command: Fork) -> int:
        done.append(command.name)
        return 7

    monkeypatch.setenv("TEXTUAL_DRIVER", "none needed")
    monkeypatch.setattr(live, "EngineProcess", Engine)
    monkeypatch.setattr("clipwatch.tui.live.app.ClipwatchApp", App)
    monkeypatch.setattr(live, "_print_summary", lambda _: done.append("summary"))
    code = live.run_live(["an", "engine"], ScreenOptions(), train_fork=train)
    assert (code, done) == ((7, ["b"]) if forks else (0, ["summary"]))

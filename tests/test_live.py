"""The engine is on its way while the screen loads, and does not outlive a screen that never came."""

from __future__ import annotations

import sys

import pytest

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

"""The screen over an engine that dies, says nothing or says what is no event."""

from __future__ import annotations

import os
import signal

import pytest
from watched_screen import Watch, on_a_loop

from clipwatch.core.stream.commands import Restart, SetClip, Stop
from clipwatch.tui.live import app as app_module
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.view.keys import KEYS


@on_a_loop
async def test_after_a_killed_engine_the_screen_stays_and_r_starts_another(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("Step: 200 ")
        await screen.shows(" s left")
        os.kill(screen.engine_pid, signal.SIGKILL)
        await screen.says("The engine ended (signal 9). r: start a new one")
        await screen.until(lambda: "engine stopped" in screen.title)
        assert "Step: 200 validation accuracy: 0.15" in screen.text
        assert " left" not in screen.text
        assert "steps/s (" not in screen.title
        await screen.press("space")
        await screen.says("The engine has ended. r: start a new one")
        first = screen.engine_pid
        await screen.press("r")
        await screen.until(lambda: screen.app.view.runs >= 2 and "engine stopped" not in screen.title)
        assert screen.engine_pid != first
        await screen.press("c")
        await screen.until(lambda: SetClip(lane="clipped", rule="none") in screen.heard)


@on_a_loop
async def test_quitting_after_the_engine_died_asks_nothing(watch: Watch) -> None:
    async with watch() as screen:
        os.kill(screen.engine_pid, signal.SIGKILL)
        await screen.until(lambda: "engine stopped" in screen.title)
        await screen.press("q")
        assert await screen.ends() == 1


@on_a_loop
async def test_an_engine_that_cannot_be_started_is_reported(watch: Watch) -> None:
    async with watch() as screen:
        os.kill(screen.engine_pid, signal.SIGKILL)
        await screen.until(lambda: "engine stopped" in screen.title)
        screen.app.engine._source[0] = "no-such-program-anywhere"
        await screen.press("r")
        await screen.says("the engine cannot be started: no-such-program-anywhere: No such file or directory")


@on_a_loop
async def test_garbage_is_reported_and_events_continue(watch: Watch) -> None:
    async with watch("garbage") as screen:
        await screen.says("still here")
        await screen.press("space")
        await screen.until(lambda: "paused" in screen.title)


@on_a_loop
async def test_garbage_is_reported_by_kind(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    keep = MainScreen.say
    monkeypatch.setattr(
        MainScreen, "say", lambda self, *texts, **named: (said.extend(texts), keep(self, *texts, **named))[1]
    )
    async with watch("garbage") as screen:
        await screen.says("still here")
    garbage = [text for text in said if "a line that is not an event" in text]
    assert len(garbage) == 3
    assert "Segmentation what?" in garbage[0]
    assert [text for text in said if "'LaneAteItsTail' events are from another version" in text]


@on_a_loop
async def test_a_partial_line_at_the_end_is_reported(watch: Watch) -> None:
    async with watch("half") as screen:
        await screen.says("The engine ended (exit code 0) in the middle of a line. r: start a new one")
        await screen.shows("Step: 200 ")


@on_a_loop
async def test_an_engine_that_does_not_answer_is_reported(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "ANSWER_TIMEOUT", 0.2)
    async with watch("silent") as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        await screen.press("space")
        await screen.says("pausing")
        await screen.says("The engine has not answered for")


@on_a_loop
async def test_an_engine_that_never_starts_ends_the_screen_with_its_message(watch: Watch) -> None:
    async with watch("dies", started="") as screen:
        assert await screen.ends() == 3
        assert screen.app.failure == "no such luck"


@on_a_loop
async def test_a_long_stage_counts_seconds(watch: Watch) -> None:
    async with watch("mute", started="") as screen:
        await screen.until(lambda: "starting the engine 1." in screen.title)


@on_a_loop
async def test_it_is_said_which_run_is_prepared(watch: Watch) -> None:
    async with watch("mute", started="", preparing=("Preparing a run: " + 200 * "-", "Forking A")) as screen:
        await screen.says("Forking A")


@on_a_loop
async def test_keys_before_the_first_event_do_no_harm(watch: Watch) -> None:
    async with watch("mute", started="") as screen:
        await screen.says("Preparing the run")
        keys = [name for key in KEYS if key.id not in ("quit", "picture") for name in key.keys.split(",")]
        for key in keys:
            await screen.press(key)
            if not isinstance(screen.app.screen, MainScreen):
                await screen.press("escape")
        await screen.until(lambda: Restart() in screen.heard)
        assert screen.app.is_running
        await screen.press("q")
        assert await screen.ends() == 0
        assert Stop() not in screen.heard

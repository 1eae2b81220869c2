"""Calls after some time: none is lost, however short the time is."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import App

from clipwatch.tui.terminal.once import call_once


@pytest.mark.parametrize("seconds", [0.0, 1e-8, 1e-3])
def test_every_call_is_made_once(seconds: float) -> None:
    made: list[int] = []

    async def call() -> None:
        app: App[None] = App()
        async with app.run_test() as pilot:
            for number in range(100):
                call_once(app, seconds, lambda number=number: made.append(number))
            async with asyncio.timeout(10):
                while len(made) < 100:
                    await pilot.pause(0.01)

    asyncio.run(call())
    assert sorted(made) == list(range(100))


def test_a_call_that_is_cancelled_is_not_made() -> None:
    made: list[str] = []

    async def call() -> None:
        app: App[None] = App()
        async with app.run_test() as pilot:
            call_once(app, 0.01, lambda: made.append("cancelled")).cancel()
            call_once(app, 0.02, lambda: made.append("made"))
            async with asyncio.timeout(10):
                while not made:
                    await pilot.pause(0.01)

    asyncio.run(call())
    assert made == ["made"]

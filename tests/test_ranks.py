"""Commands on several ranks: all of them get the same ones at the same boundary."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from watched_recordings import WatchedRecording

from clipwatch.core.engine.mailbox import Mailbox
from clipwatch.core.stream.commands import LaneCommand, SetClip, Stop
from clipwatch.core.stream.events import ClipChanged, Diagnosed, LearningRateChanged
from clipwatch.core.watch import ranks
from clipwatch.core.watch.ranks import SharedCommands

RULE = SetClip(rule="norm:1")


class Link:
    """What rank 0 broadcasts reaches one other rank, which waits for it."""

    def __init__(self) -> None:
        self.sent: queue.Queue[Any] = queue.Queue()

    def send(self, value: Any) -> Any:
        self.sent.put(value)
        return value

    def receive(self, value: Any) -> Any:
        return self.sent.get(timeout=10)


def two_ranks() -> tuple[Mailbox[LaneCommand], SharedCommands, SharedCommands, Link]:
    link, mailbox = Link(), Mailbox[LaneCommand](lasting=False)
    other = Mailbox[LaneCommand](lasting=False)
    return mailbox, SharedCommands(mailbox, link.send, 0), SharedCommands(other, link.receive, 1), link


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 60), st.integers(0, 3), max_size=8), st.integers(0, 60))
def test_all_ranks_take_each_command_once_and_at_the_same_boundary(arrivals: dict[int, int], at_step: int) -> None:
    mailbox, first, second, _ = two_ranks()
    scheduled = SetClip(rule="none", at_step=at_step)
    mailbox.put(scheduled)
    taken: list[LaneCommand] = []
    for step in range(3000):
        for _ in range(arrivals.get(step, 0)):
            mailbox.put(RULE)
        mine = first.take(step, 0)
        assert tuple(second.take(step, 0)) == tuple(mine)
        assert (scheduled in mine) == (step == at_step)
        taken += mine
    assert taken.count(RULE) == sum(arrivals.values())


def test_a_fast_loop_exchanges_about_every_fifty_milliseconds(monkeypatch: Any) -> None:
    _, first, _, link = two_ranks()
    now = 0.0
    monkeypatch.setattr(ranks.time, "perf_counter", lambda: now)
    for step in range(1000):
        first.take(step, 0)
        now += 0.001
    # At 1 ms a step, 1000 steps are 20 times 50 ms; the first two exchanges measure the speed.
    assert 20 <= link.sent.qsize() <= 22


def test_a_pause_returns_now_and_then_so_that_no_rank_times_out(monkeypatch: Any) -> None:
    monkeypatch.setattr(ranks, "_SECONDS_PAUSED", 0.01)
    mailbox, first, second, _ = two_ranks()
    assert first.take(5, None) == second.take(5, None) == ()
    mailbox.put(RULE)
    assert first.take(5, None) == second.take(5, None) == (RULE,)


def test_a_speed_limit_does_not_keep_a_rank_from_an_exchange() -> None:
    mailbox, first, second, _ = two_ranks()
    mailbox.put(RULE)
    assert first.take(0, 0.001) == second.take(0, 0) == (RULE,)
    assert first.take(0, 0.001) == first.take(0, 0) == ()


def test_a_rank_that_goes_on_does_not_wait_for_one_that_ended() -> None:
    _, first, second, link = two_ranks()
    first.take(0, 0), second.take(0, 0)
    first.close()
    assert [second.take(step, 0) for step in range(1, 100)] == [()] * 99
    assert link.sent.empty()


def test_a_rank_that_ended_still_answers_rank_0() -> None:
    mailbox, first, second, link = two_ranks()
    ended = threading.Thread(target=second.close)
    ended.start()
    mailbox.put(Stop())
    assert first.take(0, 0) == (Stop(),)
    first.close()
    ended.join(10)
    assert not ended.is_alive()
    assert link.sent.empty()


def test_two_ranks_change_their_rate_and_rule_and_stop_at_the_same_step(tmp_path: Path) -> None:
    program = [sys.executable, "-W", "error", str(Path(__file__).with_name("ranks_program.py"))]
    ranks = [subprocess.Popen([*program, str(rank), str(tmp_path)]) for rank in range(2)]
    try:
        assert [rank.wait(120) for rank in ranks] == [0, 0]
    finally:
        for rank in ranks:
            rank.kill()
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in range(2))
    assert first["changed"] == second["changed"]
    assert first["stopped"] == second["stopped"]
    assert all(torch.equal(mine, other) for mine, other in zip(first["parameters"], second["parameters"], strict=True))
    run = WatchedRecording.only_one_in(tmp_path / "runs")
    (change,) = (event for event in run.events if isinstance(event, ClipChanged))
    assert change.step == first["changed"]
    (rate,) = (event for event in run.events if isinstance(event, LearningRateChanged))
    assert (rate.rate, rate.previous) == (0.05, 0.1)
    assert run.state.experiment.name == "Sequential"
    assert set(next(event.layers for event in run.events if isinstance(event, Diagnosed))) == {"0", "2"}
    norms = run.of_steps("clipped_norms")
    assert len(norms) == first["stopped"] + 1
    assert max(norms[change.step :]) == pytest.approx(0.01)
    assert max(norms[: change.step]) > 0.1

"""What lanes in processes share with the engine: comparisons, two numbers in memory, and when a command is due."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from clipwatch.core.diagnostics import lane_pairs
from clipwatch.core.diagnostics.lane_distance import LaneDistance
from clipwatch.core.engine.mailbox import Mailbox
from clipwatch.core.engine.measured_lanes import MeasuredLanes
from clipwatch.core.stream.commands import LaneCommand, ResetMoments, Stop
from clipwatch.core.stream.events import LanesCompared, Notice
from clipwatch.core.training.lane_memory import LaneMemory, memory_file


@pytest.mark.parametrize("predicts", [True, False])
def test_arrays_are_compared_as_tensors_are(predicts: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    lanes = {
        name: (torch.randn(50, generator=generator), torch.randint(3, (40,), generator=generator)) for name in "abc"
    }
    tensors, arrays = LaneDistance(list("abc")), MeasuredLanes(list("abc"))
    expected, found = list[Any](), list[Any]()
    for name, (parameters, predictions) in lanes.items():
        expected += tensors.add(name, 5, parameters, predictions if predicts else None)
        found += arrays.add(name, 5, parameters.numpy(), predictions.numpy() if predicts else None)
    assert [one.lanes for one in found] == [one.lanes for one in expected] == [("a", "b"), ("a", "c")]
    assert [one.disagreement for one in found] == pytest.approx([one.disagreement for one in expected])
    assert [one.distance for one in found] == pytest.approx([one.distance for one in expected])


def test_a_lane_far_ahead_holds_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_pairs, "MAX_BYTES", 1000)
    lanes, point = MeasuredLanes(["a", "b"]), np.zeros(100, np.float32)
    told = [event for step in range(10) for event in lanes.add("a", step, point, None)]
    (notice,) = told
    assert isinstance(notice, Notice)
    assert notice.text.startswith("a is more than 2 measurements ahead of b")
    # Two points of 400 bytes wait.
    assert [bool(list(lanes.add("b", step, point, None))) for step in (9, 8, 7)] == [True, True, False]


def test_a_pair_of_lanes_that_are_far_apart_does_not_concern_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_pairs, "MAX_WAITING", 2)
    lanes, point = MeasuredLanes(["a", "b", "c"]), np.zeros(100, np.float32)
    for lane, steps in (("a", (0, 1)), ("c", range(10, 20))):
        for step in steps:
            list(lanes.add(lane, step, point, None))
    found = [event for step in (0, 1) for event in lanes.add("b", step, point, None)]
    assert [(event.lanes, event.step) for event in found if isinstance(event, LanesCompared)] == [
        (("a", "b"), 0),
        (("a", "b"), 1),
    ]


def test_two_views_of_a_memory_show_the_same_numbers() -> None:
    with memory_file() as descriptor:
        one, other = LaneMemory(descriptor), LaneMemory(descriptor)
    one.step, other.first_due = 2**60, math.inf
    assert (other.step, one.first_due) == (2**60, math.inf)
    other.first_due = -1
    assert one.first_due == -1
    assert one.step == 2**60


def test_a_mailbox_publishes_when_a_command_is_due_and_holds_its_lane() -> None:
    mailbox, published = Mailbox[LaneCommand](lasting=False), list[float]()
    mailbox.mirror(published.append)
    mailbox.put(ResetMoments(at_step=40))
    with mailbox.hold():
        assert published == [math.inf, 40, -1]
        mailbox.put(Stop(at_step=20))
    assert published[-1] == 20
    assert mailbox.take(30, 0) == [Stop(at_step=20)]
    assert published[-1] == 40


def test_a_mailbox_that_is_woken_gives_nothing_once() -> None:
    mailbox = Mailbox[LaneCommand](lasting=True)
    mailbox.wake()
    assert mailbox.take(0, None) == []
    mailbox.put(Stop())
    assert mailbox.take(0, None) == [Stop()]

"""Reports of runs whose lanes differ by more than their rules, whose learning rate changed, or that were forked."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np
import pytest
from measured import diagnosed
from test_report import ENGLISH, evaluated, events, finished, page, story_of, text

from clipwatch.core.reports.comparison import joint_conclusion
from clipwatch.core.reports.figures import _draw_curves  # pyright: ignore[reportPrivateUsage]
from clipwatch.core.reports.run_summary import RunSummary
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    Event,
    LaneFinished,
    LaneForked,
    LaneStarted,
    LearningRateChanged,
    RunFinished,
    RunStarted,
    StepsTrained,
)
from clipwatch.core.stream.experiment_info import LOSS
from clipwatch.core.stream.fork_events import ForkOrigin

PLAIN, FAST = LaneConfig("plain", "none"), LaneConfig("fast", "norm:1", learning_rate=0.01, optimizer="sgd")
RATE = LearningRateChanged(lane="clipped", step=500, rate=0.01, previous=0.001)


def forked_run(
    rule: str = "norm:1", rate: float = 0.001, origin: ForkOrigin | None = None, more: tuple[Event, ...] = ()
) -> RunSummary:
    """A run of the default lanes, in which `unclipped` was forked at step 450."""
    fork = [
        LaneForked(lane="twin", step=450, parent="unclipped", rule=rule, learning_rate=rate, seconds=1.0),
        LaneStarted(
            lane="twin", step=450, rule=rule, iterations=1000, parameters=61706, seconds=1.0, learning_rate=rate
        ),
        *(evaluated("twin", step, 1.5) for step in range(500, 1000, 100)),
        *more,
        finished("twin", 3000),
    ]
    found = events(*fork)
    assert isinstance(found[0], RunStarted)
    return story_of([msgspec.structs.replace(found[0], forked_from=origin), *found[1:]])


def read(run: RunSummary, language: str = "en") -> str:
    return text(page(run, language=language)).replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_lanes_with_other_settings_are_not_called_a_comparison_of_clipping(language: str) -> None:
    found = read(story_of(events(config=RunConfig(lanes=(PLAIN, FAST)))), language)
    if language == "zh":
        assert "训练 plain 与 fast 的学习率和优化器不同" in found
        assert "因此二者不是对裁剪的比较。" in found
        assert "只有裁剪规则不同" not in found
        return
    assert (
        "Lanes plain and fast differ by learning rate and optimizer, so they are not a comparison of clipping." in found
    )
    assert "fast (clip rule: norm at most 1, learning rate 0.01, SGD)" in found
    assert "only the clip rule differs" not in found
    assert "not for their clip rules in general" not in found
    assert re.search(r"learning rate, lane fast\s*0\.01 \*", found)


def test_lanes_that_differ_by_their_rules_alone_are_called_nothing_else() -> None:
    found = read(story_of(events()))
    assert "comparison of clipping" not in found
    assert "only the clip rule differs" in found


def test_a_change_of_the_learning_rate_is_in_the_table_and_in_the_conclusion() -> None:
    found = read(story_of(events(RATE)))
    assert re.search(r"500\s*◆ clipped\s*learning rate: 0\.001 → 0\.01", found)
    assert "Clip rules, learning rates, optimizer state or numbers of steps were changed mid-run" in found
    assert (
        "Not a comparison of clipping, because they differ by learning rate as well: ● unclipped and ◆ clipped."
        in found
    )


def test_a_planned_change_of_a_rule_leaves_a_run_clean() -> None:
    warm = RunConfig(lanes=(PLAIN, LaneConfig("warm", "norm:1", clip_at={300: "norm:5"})))
    change = ClipChanged(lane="warm", step=300, rule="norm:5", previous="norm:1")
    run = story_of(events(change, config=warm))
    assert run.is_clean
    found = read(run)
    assert "norm at most 1 → norm at most 5, as planned" in found
    assert "clip rule, lane warm, from step 300 on" in found
    assert not story_of(events(msgspec.structs.replace(change, step=301), config=warm)).is_clean


def test_a_fork_is_compared_with_its_parent_from_the_fork_on() -> None:
    run = forked_run()
    assert ("unclipped", "twin") in [(a.name, b.name) for a, b in run.pairs]
    found = read(run)
    assert "forked from unclipped; clip rule: norm at most 1; learning rate: 0.001" in found
    assert "The intervals of lanes unclipped and twin do not overlap" in found
    assert "comparison of clipping" not in found
    assert "changed mid-run, so" not in found
    other = read(forked_run(rate=0.01))
    assert "Lanes unclipped and twin differ by learning rate, so they are not a comparison of clipping." in other


def test_a_fork_that_does_as_its_parent_is_called_the_same() -> None:
    run = events()
    ends = [event for event in run if isinstance(event, LaneFinished)]
    twin = LaneForked(lane="twin", step=450, parent="unclipped", rule="none", learning_rate=0.001, seconds=1.0)
    start = LaneStarted(lane="twin", step=450, rule="none", iterations=1000, parameters=1, seconds=1.0)
    same = [evaluated("twin", step, 2.3 - step / 1000, 3860 / 5000) for step in range(500, 1000, 100)]
    more: list[Event] = [twin, start, *same, msgspec.structs.replace(ends[0], lane="twin")]
    (a, b) = next(pair for pair in story_of([*run[:-1], *more, run[-1]]).pairs if pair[1].name == "twin")
    assert a.matches(b)
    assert isinstance(run[-1], RunFinished)


def steps_of(lane: str, first: int, clipped: list[bool]) -> StepsTrained:
    values = np.ones(len(clipped), "<f4").tobytes()
    last = first + len(clipped) - 1
    return StepsTrained(lane=lane, step=last, losses=values, norms=values, clipped_norms=values, clipped=bytes(clipped))


def test_a_forks_share_of_steps_clipped_is_of_its_own_steps() -> None:
    # The rule that clips by the engine's count, which goes on from the parent's, is not that of the fork alone.
    more = steps_of("twin", 450, [True, True, True, False]), diagnosed("twin", 452, engaged=0.01)
    run = forked_run(more=more)
    found = read(run)
    assert re.search(r"▲ twin\s*452\s*40\.0%\s*100\.0%", found)
    assert "3 steps (75.0%) were clipped. These are its own steps, from step 450 on" in found


class Axes:
    """Notes the steps of the curves that are drawn."""

    def __init__(self) -> None:
        self.steps: list[list[int]] = []

    def plot(self, steps: list[int], values: list[float], **style: Any) -> list[None]:
        self.steps.append(steps)
        assert len(values) == len(steps)
        return [None]


def test_the_curve_of_a_fork_begins_on_that_of_its_parent() -> None:
    axes = Axes()
    _draw_curves(axes, forked_run(), LOSS)  # pyright: ignore[reportArgumentType]
    # A raw and a smoothed curve of each lane.
    assert axes.steps[-2:] == [[400, 500, 600, 700, 800, 900]] * 2
    assert axes.steps[0] == list(range(0, 1000, 100))


def test_a_run_that_was_forked_from_another_says_so() -> None:
    found = read(forked_run(origin=ForkOrigin(run="20260101-mnist-0", lane="unclipped", step=450)))
    assert "This run was forked from lane unclipped of run 20260101-mnist-0 after 450 steps." in found
    assert "This run was forked" not in read(forked_run())


def test_runs_with_forks_form_no_group_of_seeds() -> None:
    clean = [story_of(events(seed=seed)) for seed in range(2)]
    (first, *_) = joint_conclusion([*clean, forked_run()], ENGLISH)
    assert str(first) == "Runs 1 and 2 differ only in their seed, and nothing was changed mid-run."


def test_a_group_of_runs_says_what_its_lanes_differ_by_beside_their_rules() -> None:
    config = RunConfig(lanes=(PLAIN, FAST))
    runs = [story_of(events(seed=seed, config=msgspec.structs.replace(config, seed=seed))) for seed in range(2)]
    assert "differ by learning rate and optimizer" in str(joint_conclusion(runs, ENGLISH)[-1])

"""Every training step is in the stream: loss, gradient norms, and whether the rule changed the gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.diagnostics import step_log
from clipwatch.core.diagnostics.step_log import StepLog
from clipwatch.core.engine.engine import Engine
from clipwatch.core.engine.verify import compare
from clipwatch.core.runs import series_columns
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.reader import Recorded
from clipwatch.core.runs.series_columns import thinned
from clipwatch.core.runs.timeline import Timeline
from clipwatch.core.stream.commands import Pause, Resume
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    Diagnosed,
    Evaluated,
    Event,
    HistogramsEarlier,
    LaneFailed,
    LaneFinished,
    LanePaused,
    SeriesEarlier,
    StepsTrained,
)
from clipwatch.core.stream.series import diagnosed_values, earlier_histograms, step_values
from clipwatch.core.stream.state import RunState, apply

RUN = RunConfig(settings={"dataset": "digits"}, iterations=35, eval_every=10, diagnose_every=1, eval_size=20)


def logged(events: Iterable[Event], lane: str) -> list[StepsTrained]:
    return [event for event in events if isinstance(event, StepsTrained) and event.lane == lane]


def test_every_step_is_logged_once_before_its_evaluation_and_the_last_before_the_end() -> None:
    events = list(Engine(RUN).run())
    for lane in ("unclipped", "clipped"):
        logs = logged(events, lane)
        assert [event.step for event in logs] == [0, 10, 20, 30, 34]
        assert [len(event.clipped) for event in logs] == [1, 10, 10, 10, 4]
        own = [event for event in events if getattr(event, "lane", None) == lane]
        for event, after in pairwise(own):
            if isinstance(event, StepsTrained):
                assert isinstance(after, Evaluated | LaneFinished)


def test_the_values_are_those_of_the_evaluations_and_measurements_of_the_same_step() -> None:
    events = list(Engine(RUN).run())
    of_step = {(event.lane, event.step): event for event in events if isinstance(event, StepsTrained)}
    measured = [event for event in events if isinstance(event, Diagnosed)]
    assert len(measured) == 8
    for event in measured:
        values = step_values(of_step[event.lane, event.step])
        assert values.series["grad-norm"][-1] == pytest.approx(event.total.norm, rel=1e-5)
        assert values.series["clipped-norm"][-1] == pytest.approx(event.total.clipped_norm, rel=1e-5)
        assert bool(values.clipped[-1]) == (event.total.changed > 0)
    for event in events:
        if isinstance(event, Evaluated):
            losses = step_values(of_step[event.lane, event.step]).series["train-loss"]
            assert losses[-1] == np.float32(event.train_loss)


def test_without_diagnostics_no_step_is_logged() -> None:
    assert not [
        e
        for e in Engine(RunConfig(settings={"dataset": "digits"}, iterations=5, diagnostics=False)).run()
        if isinstance(e, StepsTrained)
    ]


def test_a_lane_that_diverges_logs_its_last_steps_first() -> None:
    lanes = (LaneConfig("a", "none"),)
    config = RunConfig(settings={"dataset": "digits"}, iterations=500, optimizer="sgd", learning_rate=1e4, lanes=lanes)
    events = list(Engine(config).run())
    at = next(place for place, event in enumerate(events) if isinstance(event, LaneFailed))
    failed, before = events[at], events[at - 1]
    assert isinstance(failed, LaneFailed)
    assert isinstance(before, StepsTrained)
    assert before.step == failed.step
    state = RunState()
    for event in events:
        state = apply(state, event)
    step, norm = state.lanes["a"].newest_norm or (-1, math.nan)
    assert step <= failed.step
    assert math.isfinite(norm)


def test_a_pause_logs_the_steps_so_far() -> None:
    engine = Engine(msgspec.structs.replace(RUN, pace=200.0))
    paused: list[Event] = []
    for event in engine.run():
        if isinstance(event, Evaluated) and event.step == 10 and event.lane == "clipped":
            engine.send(Pause(lane="clipped"))
        if getattr(event, "lane", None) == "clipped":
            paused.append(event)
        if isinstance(event, LanePaused):
            newest = logged(paused, "clipped")[-1]
            assert newest.step == event.step - 1
            engine.send(Resume(lane="clipped"))
    assert any(isinstance(event, LanePaused) for event in paused)


def test_evaluations_that_are_far_apart_do_not_make_an_event_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_log, "_MOST_STEPS", 8)
    config = RunConfig(settings={"dataset": "digits"}, iterations=20, eval_every=10**6)
    assert [len(event.clipped) for event in logged(Engine(config).run(), "clipped")] == [1, 8, 8, 3]


@pytest.mark.parametrize("used", ["same", "other", "none"])
def test_norms_are_those_of_the_gradients(used: str) -> None:
    raw = torch.randn(1000)
    applied = {"same": raw, "other": raw.clamp(-0.5, 0.5), "none": None}[used]
    log = StepLog(5, raw)
    log.add(7, 1.5, raw, applied, used == "other")
    event = log.take("a")
    assert event is not None
    assert event.step == 7
    values = step_values(event)
    assert values.first == 7
    assert values.series["grad-norm"][0] == pytest.approx(float(raw.norm()), rel=1e-6)
    expected = 0.0 if applied is None else float(applied.norm())
    assert values.series["clipped-norm"][0] == pytest.approx(expected, rel=1e-6)
    assert list(values.clipped) == [used == "other"]
    assert log.take("a") is None


def test_steps_that_are_known_are_left_out() -> None:
    event = StepsTrained(
        lane="a",
        step=12,
        losses=np.arange(4, dtype="<f4").tobytes(),
        norms=bytes(16),
        clipped_norms=bytes(16),
        clipped=bytes(4),
    )
    values = step_values(event)
    assert values.first == 9
    assert values.after(10).first == 11
    assert list(values.after(10).series["train-loss"]) == [2, 3]
    assert values.after(-1) is values
    assert len(values.after(12).clipped) == 0


# A seek


def seek(events: list[Event]) -> tuple[list[Event], dict[tuple[str, str], dict[int, float]]]:
    """What a replay sends for the whole recording, and the values of its series by step."""
    timeline = Timeline(EventTable.of(events))
    sent = list(timeline.condensed(0, len(timeline)))
    series: dict[tuple[str, str], dict[int, float]] = {}
    for event in sent:
        if isinstance(event, SeriesEarlier):
            values = np.frombuffer(event.values, "<f4").tolist()
            points = {event.step + event.stride * place: value for place, value in enumerate(values)}
            series.setdefault((event.lane, event.series), {}).update(points)
        elif isinstance(event, StepsTrained):
            logged_values = step_values(event)
            for name, values in logged_values.series.items():
                points = {logged_values.first + place: value for place, value in enumerate(values.tolist())}
                series.setdefault((event.lane, name), {}).update(points)
        elif isinstance(event, Diagnosed):
            for name, value in diagnosed_values(event).items():
                series.setdefault((event.lane, name), {})[event.step] = float(np.float32(value))
    return sent, series


def test_a_seek_sends_every_step_and_measurement() -> None:
    events = list(Engine(RUN).run())
    sent, series = seek(events)
    assert len([event for event in sent if isinstance(event, Diagnosed)]) == 2
    assert len([event for event in sent if isinstance(event, StepsTrained)]) == 2
    for lane in ("unclipped", "clipped"):
        for name in ("train-loss", "grad-norm", "clipped-norm"):
            expected = np.concatenate([step_values(event).series[name] for event in logged(events, lane)])
            assert series[lane, name] == dict(enumerate(expected.tolist()))
        measured = [event for event in events if isinstance(event, Diagnosed) and event.lane == lane]
        for name in ("clipped", "cosine", "dead-outputs"):
            values = {event.step: np.float32(diagnosed_values(event)[name]) for event in measured}
            assert series[lane, name] == values
        (histograms,) = [e for e in sent if isinstance(e, HistogramsEarlier) and e.lane == lane]
        totals = [event.total.histogram for event in measured[:-1]]
        counts = [[total.zero, *total.counts] for total in totals]
        assert earlier_histograms(histograms).tolist() == counts
    shares = series["clipped", "steps-clipped"]
    assert list(shares) == [0, 10, 20, 30]
    assert all(0 <= share <= 1 for share in shares.values())


def test_steps_recorded_twice_count_once_in_a_seek() -> None:
    events = list(Engine(RUN).run())
    again = [event for event in events if isinstance(event, StepsTrained) and event.step <= 20]
    assert seek([*events, *again])[1] == seek(events)[1]


@given(st.lists(st.floats(width=32) | st.just(0.0), min_size=1, max_size=400), st.integers(2, 60))
def test_thinning_keeps_the_extremes_and_what_is_not_finite(values: list[float], most: int) -> None:
    before = np.array(values, np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series_columns, "MOST_VALUES", most)
        steps, after = thinned(np.arange(len(before)) * 10, before)
    assert len(steps) == len(after) <= most + 2 * -(-len(before) // most)
    assert (np.diff(steps) > 0).all()
    finite = before[np.isfinite(before)]
    if len(finite) == len(before):
        assert after.min() == before.min()
        assert after.max() == before.max()
    else:
        assert not np.isfinite(after).all()


# Verification


def test_logged_steps_are_compared_bit_for_bit_however_they_are_divided() -> None:
    events = [event for event in Engine(RUN).run() if not isinstance(event, Diagnosed | Evaluated)]
    recorded = Recorded(EventTable.of(events), (), 0)
    again = [part for event in events for part in divided(event)]
    assert compare(recorded, again) == compare(recorded, events)
    assert compare(recorded, again).differences == ()
    assert compare(recorded, again).compared == 2 * 35 + 2


def divided(event: Event) -> list[Event]:
    """A log of steps in two events, as a pause leaves it."""
    if not isinstance(event, StepsTrained) or len(event.clipped) < 4:
        return [event]
    names, replace = ("losses", "norms", "clipped_norms"), msgspec.structs.replace
    first = replace(
        event, step=event.step - 3, **{name: getattr(event, name)[:-12] for name in names}, clipped=event.clipped[:-3]
    )
    return [first, replace(event, **{name: getattr(event, name)[-12:] for name in names}, clipped=event.clipped[-3:])]


def test_the_first_step_that_differs_is_named_with_its_values() -> None:
    events = list(Engine(RUN).run())
    recorded = Recorded(EventTable.of(events), (), 0)
    place = next(at for at, event in enumerate(events) if isinstance(event, StepsTrained) and event.step == 20)
    event = events[place]
    assert isinstance(event, StepsTrained)
    norms = np.frombuffer(event.norms, "<f4").copy()
    norms[4] = np.nan
    again = [*events[:place], msgspec.structs.replace(event, norms=norms.tobytes()), *events[place + 1 :]]
    ((lane, step, before, after),) = compare(recorded, again).differences
    assert (lane, step) == (event.lane, 15)
    assert "gradient norm nan" in after
    assert "gradient norm nan" not in before

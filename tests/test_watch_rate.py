"""The learning rate of a watched loop, changed between two steps: its own rates and schedules stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, AdamW, Optimizer, lr_scheduler
from watched_loops import batches, events_of, small_model

import clipwatch
from clipwatch.core.stream.commands import Fork, LaneCommand, SetLearningRate
from clipwatch.core.stream.events import Diagnosed, LaneStarted, LearningRateChanged, Notice
from clipwatch.core.watch.lane import WatchedLane

# A factor of 4, which multiplies without rounding: a loop that is written by hand has the same bits.
LARGER = SetLearningRate(rate=0.4, at_step=4)
Schedule = Callable[[Optimizer], lr_scheduler.LRScheduler | None]


def two_groups(model: nn.Module) -> SGD:
    first, *others = model.parameters()
    return SGD([{"params": [first]}, {"params": others, "lr": 0.05}], lr=0.1, momentum=0.9)


def warmup(optimizer: Optimizer) -> lr_scheduler.LRScheduler:
    """A warmup from nothing, and then a schedule that computes each rate from the one before."""
    first = lr_scheduler.LambdaLR(optimizer, lambda step: step / 3)
    return lr_scheduler.SequentialLR(optimizer, [first, lr_scheduler.CosineAnnealingLR(optimizer, 7)], [3])


def loop(
    model: nn.Module,
    optimizer: Optimizer,
    schedule: lr_scheduler.LRScheduler | None,
    *,
    step: Callable[[int], object] | None = None,
    seen: list[Any] | None = None,
) -> None:
    """Train ten steps. `seen` gets the rates that the loop sees between two steps."""
    for number, (inputs, labels) in enumerate(batches(10)):
        F.cross_entropy(model(inputs), labels).backward()
        optimizer.step() if step is None else step(number)
        optimizer.zero_grad()
        if seen is not None:
            seen.append([group["lr"] for group in optimizer.param_groups])
        if schedule:
            schedule.step()


def by_hand(make: Callable[[nn.Module], Optimizer], schedule: Schedule, first: int = 4) -> tuple[nn.Module, list[Any]]:
    """A loop that multiplies its own rates by four for the time of a step."""
    model = small_model()
    optimizer = make(model)
    seen: list[Any] = []

    def step(number: int) -> None:
        rates = [group["lr"] for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * (4 if number >= first else 1)
        optimizer.step()
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    loop(model, optimizer, schedule(optimizer), step=step, seen=seen)
    return model, seen


def send(run: clipwatch.Watch, *commands: LaneCommand) -> None:
    for command in commands:
        run._lane.mailbox.put(command)


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine, its) for mine, its in pairs)


@pytest.mark.parametrize("schedule", [lambda optimizer: None, warmup], ids=["none", "warmup"])
def test_every_group_is_multiplied_in_its_step_and_the_loop_sees_its_own_rates(tmp_path: Path, schedule: Any) -> None:
    expected, rates = by_hand(two_groups, schedule)
    model, seen = small_model(), list[Any]()
    optimizer = two_groups(model)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        send(run, LARGER)
        # Made after the watch began: the schedule has set the first rate to 0 before the first step.
        loop(model, optimizer, schedule(optimizer), seen=seen)
    assert same(model, expected)
    assert seen == rates
    (started,), (changed,) = events_of(run.folder, LaneStarted), events_of(run.folder, LearningRateChanged)
    assert started.learning_rate == 0.1
    assert (changed.step, changed.rate, changed.previous) == (4, 0.4, 0.1)


def test_a_lane_starts_with_the_rate_that_its_schedule_begins_with(tmp_path: Path) -> None:
    model = small_model()
    optimizer = SGD(model.parameters(), lr=0.1)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        loop(model, optimizer, lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=20, div_factor=4))
    assert events_of(run.folder, LaneStarted)[0].learning_rate == 0.125


def test_what_is_measured_is_in_learning_rates_of_the_step(tmp_path: Path) -> None:
    found = []
    for name, commands in (("plain", []), ("changed", [LARGER])):
        model = small_model()
        with clipwatch.watch(
            model, SGD(model.parameters(), lr=0.1), rule="norm:0.1", measure_every=4, runs_dir=tmp_path / name
        ) as run:
            send(run, *commands)
            loop(model, run._optimizer, None)
        found.append(events_of(run.folder, Diagnosed)[1].total)
    plain, changed = found
    assert plain.norm == changed.norm
    assert changed.update_ratio > 3 * plain.update_ratio
    assert changed.step_size == pytest.approx(plain.step_size, rel=1e-3)
    assert changed.shadow_distance == pytest.approx(plain.shadow_distance, rel=1e-2)


def test_a_closure_steps_at_the_rate(tmp_path: Path) -> None:
    expected, _ = by_hand(two_groups, lambda optimizer: None)
    model = small_model()
    optimizer = two_groups(model)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        send(run, LARGER)
        for inputs, labels in batches(10):

            def closure(inputs: torch.Tensor = inputs, labels: torch.Tensor = labels) -> torch.Tensor:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(inputs), labels)
                loss.backward()
                return loss

            optimizer.step(closure)
    assert same(model, expected)


@pytest.mark.parametrize("fused", [False, True])
def test_a_grad_scaler_steps_at_the_rate(tmp_path: Path, fused: bool) -> None:
    def adamw(model: nn.Module) -> AdamW:
        return AdamW(model.parameters(), lr=0.1, fused=fused)

    expected, _ = by_hand(adamw, lambda optimizer: None)
    model = small_model()
    optimizer, scaler = adamw(model), torch.amp.GradScaler("cpu", init_scale=2.0**10)  # type: ignore[attr-defined]
    with clipwatch.watch(model, optimizer, scaler=scaler, runs_dir=tmp_path) as run:
        send(run, LARGER)
        for inputs, labels in batches(10):
            scaler.scale(F.cross_entropy(model(inputs), labels)).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
    assert same(model, expected)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_rate_that_is_a_tensor_is_the_loops_own_between_two_steps(tmp_path: Path) -> None:
    def adamw(model: nn.Module) -> AdamW:
        return AdamW(model.parameters(), lr=torch.tensor(0.125), foreach=False)

    expected, _ = by_hand(adamw, warmup)
    model = small_model()
    optimizer = adamw(model)
    rate = optimizer.param_groups[0]["lr"]
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        send(run, SetLearningRate(rate=0.5, at_step=4))
        loop(model, optimizer, warmup(optimizer))
    assert same(model, expected)
    assert optimizer.param_groups[0]["lr"] is rate


def test_of_two_optimizers_one_is_changed(tmp_path: Path) -> None:
    models = [small_model(), small_model()]
    optimizers = [SGD(model.parameters(), lr=0.1) for model in models]
    expected, _ = by_hand(lambda model: SGD(model.parameters(), lr=0.1), lambda optimizer: None)
    plain, _ = by_hand(lambda model: SGD(model.parameters(), lr=0.1), lambda optimizer: None, first=10)
    runs = [
        clipwatch.watch(model, optimizer, name=name, runs_dir=tmp_path)
        for model, optimizer, name in zip(models, optimizers, "ab", strict=True)
    ]
    send(runs[1], LARGER)
    for model, optimizer in zip(models, optimizers, strict=True):
        torch.manual_seed(0)
        small_model()
        loop(model, optimizer, None)
    for run in runs:
        run.close()
    assert same(models[0], plain)
    assert same(models[1], expected)


def test_a_step_that_raises_leaves_the_rate_to_the_next(tmp_path: Path) -> None:
    class Failing(SGD):
        fails = False

        def step(self, closure: Any = None) -> Any:
            if self.fails:
                raise ValueError("out of memory")
            return super().step(closure)

    model = small_model()
    optimizer = Failing(model.parameters(), lr=0.1)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        send(run, SetLearningRate(rate=0.4))
        optimizer.fails = True
        with pytest.raises(ValueError, match="memory"):
            loop(model, optimizer, None)
        optimizer.fails = False
        # The lane begins anew, while the rates are still those of the step.
        run.load_state_dict(run.state_dict())
        seen: list[Any] = []
        optimizer.register_step_pre_hook(lambda *_: seen.append(optimizer.param_groups[0]["lr"]))
        loop(model, optimizer, None)
    # The hooks of a subclass that calls its base class are called twice a step.
    assert set(seen) == {0.4}
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("method", ["gradients_ready", "after_step"])
def test_where_the_watch_fails_the_loop_has_its_own_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(lane: WatchedLane) -> None:
        raise ValueError("broken")

    model = small_model()
    optimizer = SGD(model.parameters(), lr=0.1)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        send(run, SetLearningRate(rate=0.4))
        monkeypatch.setattr(WatchedLane, method, fail)
        with pytest.warns(UserWarning, match="trains on unwatched, at its own learning rate: ValueError: broken"):
            loop(model, optimizer, None)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_checkpoint_of_the_loop_resumes_the_rate(tmp_path: Path) -> None:
    whole, (half, state) = small_model(), (small_model(), dict[str, Any]())
    for model in (whole, half):
        optimizer = SGD(model.parameters(), lr=0.1)
        with clipwatch.watch(model, optimizer, runs_dir=tmp_path / "first") as run:
            send(run, SetLearningRate(rate=0.3))
            torch.manual_seed(2)
            loop(model, optimizer, None)
            state = run.state_dict()
            if model is whole:
                torch.manual_seed(3)
                loop(model, optimizer, None)
    optimizer = SGD(half.parameters(), lr=0.1)
    with clipwatch.watch(half, optimizer, runs_dir=tmp_path / "second") as run:
        run.load_state_dict(state)
        torch.manual_seed(3)
        loop(half, optimizer, None)
    assert same(half, whole)
    assert events_of(run.folder, LaneStarted)[0].learning_rate == pytest.approx(0.3)
    with clipwatch.watch(half, SGD(half.parameters(), lr=0.1), runs_dir=tmp_path / "third") as run:
        del state["rate_factor"]
        run.load_state_dict(state)
        assert run._lane.step == 10
        for damaged in (0.0, float("nan"), "large"):
            with pytest.warns(UserWarning, match="cannot be used"):
                run.load_state_dict({**state, "step": 3, "rate_factor": damaged})
        assert (run._lane.step, run._lane.changes_rate) == (10, False)


def test_an_optimizer_without_any_rate_is_watched(tmp_path: Path) -> None:
    """As Adafactor, whose groups have None."""

    class Relative(SGD):
        def step(self, closure: Any = None) -> Any:
            for group in self.param_groups:
                group["lr"] = 0.1
            super().step(closure)
            for group in self.param_groups:
                group["lr"] = None

    plain, model = small_model(), small_model()
    made = [Relative(each.parameters(), lr=0.1) for each in (plain, model)]
    for optimizer in made:
        optimizer.param_groups[0]["lr"] = None
    loop(plain, made[0], None)
    torch.manual_seed(0)
    small_model()
    with clipwatch.watch(model, made[1], runs_dir=tmp_path, measure_every=2) as run:
        send(run, SetLearningRate(rate=0.4))
        loop(model, made[1], None)
        assert run.active
    assert same(plain, model)
    assert [event.learning_rate for event in events_of(run.folder, LaneStarted)] == [None]
    assert "no learning rate to change" in events_of(run.folder, Notice)[0].text


def test_what_a_loop_cannot_do_is_a_notice(tmp_path: Path) -> None:
    model = small_model()
    optimizer = SGD(model.parameters(), lr=0)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        send(run, SetLearningRate(rate=0.4), Fork(lane="loop", name="twin"))
        loop(model, optimizer, None)
    texts = [event.text for event in events_of(run.folder, Notice)]
    assert texts[0] == "loop: the optimizer has no learning rate to change"
    assert texts[1].startswith("loop cannot be forked: the loop trains in a process of the user's")
    assert len([text for text in texts if "fork" in text]) == 1
    assert not events_of(run.folder, LearningRateChanged)

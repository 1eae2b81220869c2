"""The audit of training loops that clip in the wrong way, and of some that do it right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm
from watched_loops import events_of
from watched_recordings import WatchedRecording

import clipwatch
from clipwatch.core.stream.audit_words import audit_words
from clipwatch.core.stream.events import LoopAudited


class Loop:
    """A small model, its optimizer, a watch of it, and losses whose gradients have very different norms."""

    def __init__(
        self,
        folder: Path,
        model: nn.Module | None = None,
        *,
        scaler: torch.amp.GradScaler | None = None,
        rule: str | None = None,
    ) -> None:
        torch.manual_seed(1)
        self.model = model or nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3)
        self.watch = clipwatch.watch(
            self.model, self.optimizer, measure_every=3, runs_dir=folder, scaler=scaler, rule=rule, control=False
        )

    def losses(self, steps: int = 40) -> Iterator[Tensor]:
        for _ in range(steps):
            yield self.model(torch.randn(4, 6)).square().sum() * float(torch.rand(()) * 20 + 5)

    @property
    def parameters(self) -> list[Tensor]:
        return list(self.model.parameters())

    def found(self) -> LoopAudited:
        """The newest event of the only finding that was ever claimed."""
        self.watch.close()
        assert self.watch.folder
        events = events_of(self.watch.folder, LoopAudited)
        assert len({event.finding for event in events}) == 1, events
        assert not any(event.gone for event in events)
        return events[-1]

    def sentence(self) -> str:
        """The longest form of this finding's sentence."""
        return audit_words(self.found())[0]


def test_a_loop_that_clips_after_the_step(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    for loss in loop.losses():
        loss.backward()
        loop.optimizer.step()
        clip_grad_norm_(loop.parameters, 1.0)
        loop.optimizer.zero_grad()
    found = loop.found()
    assert found.figures["late_norm"] == pytest.approx(1.0, rel=1e-3)
    assert audit_words(found)[0].endswith("only after `optimizer.step()`: too late")


def test_clipping_that_engages_only_between_measured_steps_is_counted(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    norms = []
    for step, loss in enumerate(loop.losses()):
        (loss * (1e3 if step in (13, 25) else 1e-6)).backward()
        norms.append(float(clip_grad_norm_(loop.parameters, 1.0)))
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert sum(norm > 1 for norm in norms) == 2
    loop.watch.close()
    run = WatchedRecording.only_one_in(tmp_path)
    assert run.of_steps("norms") == pytest.approx(norms, rel=1e-5)
    assert [step for step, norm in enumerate(run.of_steps("clipped_norms")) if norm == pytest.approx(1.0)] == [13, 25]
    assert run.state.lanes["loop"].audit == {}


def test_clipping_that_engages_seldom_is_found_although_no_measured_step_shows_it(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    for step, loss in enumerate(loop.losses(70)):
        (loss * (1e3 if step in (13, 25) else 1e-6)).backward()
        clip_grad_norm_(loop.parameters, 1.0)
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert re.fullmatch(r"your loop's clipping engaged on 2 of [56]\d steps", loop.sentence())


def test_clipping_that_does_not_engage_is_found_early(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    for loss in loop.losses(110):
        (loss * 1e-6).backward()
        clip_grad_norm_(loop.parameters, 1.0)
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert re.fullmatch(r"your loop's clipping has not engaged in 10\d steps so far", loop.sentence())


@pytest.mark.parametrize("changed", [False, True])
def test_a_rule_that_has_not_engaged_is_found_until_it_is_changed(tmp_path: Path, changed: bool) -> None:
    loop = Loop(tmp_path, rule="norm:1e9")
    for step, loss in enumerate(loop.losses(120)):
        if changed and step == 110:
            loop.watch.set_rule("norm:2e9")
        loss.backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    loop.watch.close()
    found = events_of(loop.watch.folder, LoopAudited)  # pyright: ignore
    assert re.fullmatch(r"the rule has not engaged in 10\d steps so far", audit_words(found[0])[0])
    assert [audit_words(event)[0] for event in found[1:]] == ["the rule has changed since"] * changed


@pytest.mark.parametrize("given", [True, False])
def test_a_loop_that_clips_after_the_step_and_zeroes_in_place(tmp_path: Path, given: bool) -> None:
    """The change can be seen only if the watch is told of the step before the gradient is 0."""
    loop = Loop(tmp_path)
    for loss in loop.losses():
        loss.backward()
        loop.optimizer.step()
        clip_grad_norm_(loop.parameters, 1.0)
        if given:
            loop.watch.step(loss)
        loop.optimizer.zero_grad(set_to_none=False)
    assert loop.found().finding == ("too-late" if given else "not-clipped")


def test_a_loop_that_clips_before_backward(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    for loss in loop.losses():
        clip_grad_norm_(loop.parameters, 1.0)
        loss.backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert loop.sentence().endswith(": this loop does not clip (a call before `backward` does nothing)")


def test_a_loop_that_clips_what_is_still_scaled(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scaler=(scaler := torch.amp.GradScaler("cpu")))
    for loss in loop.losses():
        scaler.scale(loss).backward()
        clip_grad_norm_(loop.parameters, 1.0)
        scaler.step(loop.optimizer)
        scaler.update()
        loop.optimizer.zero_grad()
    words = "your loop clips to 1.0 what is still multiplied by 65,536: clip after `scaler.unscale_`"
    assert loop.sentence() == words


def test_a_loop_that_steps_without_its_scaler(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scaler=(scaler := torch.amp.GradScaler("cpu", init_scale=8.0)))
    for loss in loop.losses():
        scaler.scale(loss).backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert loop.sentence() == "the optimizer gets gradients still multiplied by 8.0: step with `scaler.step`"
    measured = WatchedRecording.only_one_in(tmp_path).state.lanes["loop"].diagnosed
    assert measured
    assert measured.engaged == measured.total.clipped_share == 0.0
    assert measured.total.clipped_norm == pytest.approx(8 * measured.total.norm, rel=1e-5)


def test_a_loop_that_clips_although_a_rule_does(tmp_path: Path) -> None:
    loop = Loop(tmp_path, rule="norm:0.5")
    for loss in loop.losses():
        loss.backward()
        clip_grad_norm_(loop.parameters, 1.0)
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    words = "clipped twice: your loop clips to 1.0 before the rule does; remove it from the loop"
    assert loop.sentence() == words


class _UsesOneLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(6, 1), nn.Linear(6, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.used(inputs)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_layer_without_a_gradient(tmp_path: Path, frozen: bool) -> None:
    model = _UsesOneLayer()
    model.unused.weight.requires_grad_(not frozen)
    loop = Loop(tmp_path, model, rule="norm:1")
    for loss in loop.losses():
        loss.backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    of_which = ", of which 1 is frozen" if frozen else ""
    assert loop.sentence() == f"the gradient of 2 parameters is None{of_which}: unused.weight, unused.bias"


class _HasADeadLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.dead, self.last = nn.Linear(6, 8), nn.Linear(8, 1)
        nn.init.constant_(self.dead.bias, -100.0)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.last(self.dead(inputs).relu()) + 1


def test_a_layer_whose_gradient_is_0(tmp_path: Path) -> None:
    loop = Loop(tmp_path, _HasADeadLayer(), rule="norm:1")
    for loss in loop.losses():
        loss.backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    words = r"the gradient of 3 parameters has been 0 for \d\d steps: dead.weight, dead.bias, last.weight"
    assert re.fullmatch(words, loop.sentence())


# Loops that are right


@pytest.mark.parametrize("logged", ["before", "after"])
def test_a_loop_that_clips_its_norm(tmp_path: Path, logged: str) -> None:
    """Where it logs the norm, before clipping or after it, is not the audit's business."""
    loop, engaged = Loop(tmp_path), 0
    for loss in loop.losses(120):
        loss.backward()
        norm = clip_grad_norm_(loop.parameters, 20.0)
        engaged += int(norm > 20)
        if logged == "after":
            get_total_norm([each.grad for each in loop.parameters if each.grad is not None])
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    found = loop.found()
    assert found.figures["share"] == pytest.approx(engaged / 120, abs=0.2)
    assert audit_words(found)[0].startswith("your loop clips the norm to 20.0 before the optimizer: engaged on ")


def test_a_loop_that_unscales_and_then_clips(tmp_path: Path) -> None:
    loop = Loop(tmp_path, scaler=(scaler := torch.amp.GradScaler("cpu", growth_interval=5)))
    for loss in loop.losses():
        scaler.scale(loss).backward()
        scaler.unscale_(loop.optimizer)
        clip_grad_norm_(loop.parameters, 1.0)
        scaler.step(loop.optimizer)
        scaler.update()
        loop.optimizer.zero_grad()
    assert loop.sentence().startswith("your loop clips the norm to 1.0 before the optimizer: engaged on 100 % of ")


@pytest.mark.parametrize("through_data", [False, True])
def test_a_loop_that_clips_each_element(tmp_path: Path, through_data: bool) -> None:
    loop = Loop(tmp_path)
    for loss in loop.losses():
        loss.backward()
        if through_data:
            for each in loop.parameters:
                if each.grad is not None:
                    each.grad.data.clamp_(-0.5, 0.5)
        else:
            clip_grad_value_(loop.parameters, 0.5)
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert loop.sentence().startswith("your loop clips each element to 0.5 before the optimizer: engaged on 100 % of ")


def test_a_loop_that_accumulates_gradients_and_clips_their_mean(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    for number, loss in enumerate(loop.losses(120)):
        loss.backward()
        if number % 3 == 2:
            for each in loop.parameters:
                if each.grad is not None:
                    each.grad /= 3
            clip_grad_norm_(loop.parameters, 20.0)
            loop.optimizer.step()
            loop.optimizer.zero_grad()
    assert loop.sentence().startswith("your loop clips the norm to 20.0 before the optimizer: engaged on ")


@pytest.mark.parametrize("bf16", [False, True])
def test_a_loop_whose_gradients_have_16_bits(tmp_path: Path, bf16: bool) -> None:
    dtype = torch.bfloat16 if bf16 else torch.float16
    loop = Loop(tmp_path, nn.Linear(6, 4).to(dtype))
    for _ in range(40):
        loop.model(torch.randn(4, 6, dtype=dtype)).square().mean().backward()
        clip_grad_norm_(loop.parameters, 0.25)
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert loop.sentence().startswith("your loop clips the norm to 0.25 before the optimizer: engaged on ")


def test_a_loop_that_keeps_some_of_its_gradient_for_the_next_step(tmp_path: Path) -> None:
    """That is not too late: the next step uses it."""
    loop = Loop(tmp_path)
    for loss in loop.losses():
        loss.backward()
        loop.optimizer.step()
        for each in loop.parameters:
            if each.grad is not None:
                each.grad *= 0.5
    assert loop.found().finding == "not-clipped"


def test_a_loop_that_clips_in_hooks_is_not_said_not_to_clip(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    for each in loop.parameters:
        each.register_hook(lambda gradient: gradient.clamp(-0.1, 0.1))
    for loss in loop.losses():
        loss.backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert "what the loop's hooks on 4 parameters do is not seen" in loop.sentence()


def test_gradients_that_are_set_by_hand_are_not_seen(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    for loss in loop.losses():
        for each, gradient in zip(loop.parameters, torch.autograd.grad(loss, loop.parameters), strict=True):
            each.grad = gradient
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    assert loop.sentence().startswith(
        "whether the loop clips cannot be seen: the gradients did not come from a backward"
    )


def test_no_hook_is_left_after_the_end(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    for loss in loop.losses(30):
        loss.backward()
        clip_grad_norm_(loop.parameters, 1.0)
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    loop.watch.close()
    hooks = [
        getattr(each, name, None)
        for each in loop.parameters
        for name in ("_post_accumulate_grad_hooks", "_backward_hooks")
    ]
    assert not any(hooks)

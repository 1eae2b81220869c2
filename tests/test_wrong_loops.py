"""The audit of training loops that clip in the wrong way, and of some that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from clipwatch.core.stream.audit_words import audit_words
from clipwatch.core.stream.events import LoopAudited
from clipwatch.core.watch.audit import Audit
from clipwatch.core.watch.backward_gradients import BackwardGradients

MEASURE_EVERY = 3


class AuditedLoop:
    """A model, its optimizer with the audit in its hooks, and batches."""

    def __init__(self, model: nn.Module | None = None, *, scaler: torch.amp.GradScaler | None = None) -> None:
        torch.manual_seed(1)
        self.model = model or nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1e-3)
        self.scaler = scaler
        self.rule: Callable[[], None] | None = None
        self.gradients = BackwardGradients(dict(self.model.named_parameters()))
        self.audit = Audit("loop")
        self.events: list[LoopAudited] = []
        self.step = 0
        self.gradients.begin_step(measured=True)
        self._hooks = (
            self.optimizer.register_step_pre_hook(self._before_step),
            self.optimizer.register_step_post_hook(self._after_step),
        )

    def _before_step(self, *_: object) -> None:
        if compared := self.gradients.compare(self.scaler.get_scale() if self.scaler else 1.0):
            self.events += self.audit.add(self.step, compared, rule=self.rule is not None)
            if self.audit.clips:
                self.gradients.follow_norm()
        if self.rule:
            self.rule()

    def _after_step(self, *_: object) -> None:
        self.gradients.end_step()
        self.step += 1
        self.gradients.begin_step(measured=self.step % MEASURE_EVERY == 0)

    def losses(self, steps: int) -> Iterator[Tensor]:
        """Losses whose gradients have very different norms."""
        for _ in range(steps):
            inputs = torch.randn(4, 6)
            yield self.model(inputs).square().sum() * float(torch.rand(()) * 20 + 5)

    @property
    def parameters(self) -> list[Tensor]:
        return list(self.model.parameters())

    def findings(self) -> dict[str, LoopAudited]:
        """What holds now."""
        holds: dict[str, LoopAudited] = {}
        for event in self.events:
            if event.gone:
                del holds[event.finding]
            else:
                holds[event.finding] = event
        return holds

    def sentence(self) -> str:
        """The longest form of the only finding that was ever claimed."""
        assert len({event.finding for event in self.events}) == 1, self.events
        return audit_words(self.events[-1])[0]


def test_a_loop_that_clips_after_the_step() -> None:
    loop = AuditedLoop()
    for loss in loop.losses(20):
        loss.backward()
        loop.optimizer.step()
        clip_grad_norm_(loop.parameters, 1.0)
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert "only after `optimizer.step()`: too late" in loop.sentence()
    assert loop.events[-1].figures["late_norm"] == pytest.approx(1.0, rel=1e-3)


def test_a_loop_that_clips_before_backward() -> None:
    loop = AuditedLoop()
    for loss in loop.losses(20):
        clip_grad_norm_(loop.parameters, 1.0)
        loss.backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert loop.sentence().endswith("reached the optimizer unchanged: this loop does not clip")


def test_a_loop_that_clips_what_is_still_scaled() -> None:
    loop = AuditedLoop(scaler=(scaler := torch.amp.GradScaler("cpu")))
    for loss in loop.losses(20):
        scaler.scale(loss).backward()
        clip_grad_norm_(loop.parameters, 1.0)
        scaler.step(loop.optimizer)
        scaler.update()
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert loop.sentence().endswith("still multiplied by 65,536: clip after `scaler.unscale_`")


def test_a_loop_that_steps_without_the_scaler() -> None:
    loop = AuditedLoop(scaler=(scaler := torch.amp.GradScaler("cpu", init_scale=8.0)))
    for loss in loop.losses(20):
        scaler.scale(loss).backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert "still multiplied by 8.0: step with `scaler.step`" in loop.sentence()


def test_a_loop_that_clips_although_a_rule_does() -> None:
    loop = AuditedLoop()
    loop.rule = lambda: None
    for loss in loop.losses(20):
        loss.backward()
        clip_grad_norm_(loop.parameters, 1.0)
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert loop.sentence().startswith("clipped twice: your loop clips to 1.0")


class _SkipsALayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(6, 1), nn.Linear(6, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.used(inputs)


def test_a_layer_that_the_loss_does_not_depend_on() -> None:
    loop = AuditedLoop(_SkipsALayer())
    loop.rule = lambda: None
    for loss in loop.losses(20):
        loss.backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert loop.sentence() == "the gradient of 2 parameters is None: unused.weight, unused.bias"


def test_a_dead_layer() -> None:
    class Dead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(6, 8), nn.Linear(8, 1)
            nn.init.constant_(self.first.bias, -100.0)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.second(self.first(inputs).relu())

    loop = AuditedLoop(Dead())
    loop.rule = lambda: None
    for loss in loop.losses(40):
        (loss + loop.model.get_parameter("second.bias").sum()).backward()
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert loop.sentence().startswith("the gradient of 3 parameters has been 0 for ")


@pytest.mark.parametrize("logged", ["after clipping", "before clipping"])
def test_a_loop_that_clips_its_norm(logged: str) -> None:
    loop, norms = AuditedLoop(), []
    for loss in loop.losses(40):
        loss.backward()
        norm = clip_grad_norm_(loop.parameters, 20.0)
        if logged == "after clipping":
            norm = torch.nn.utils.get_total_norm([each.grad for each in loop.parameters if each.grad is not None])
        norms.append(float(norm))
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    print(loop.sentence(), norms[:9])
    assert loop.sentence().startswith("your loop clips the norm to 20.0 before the optimizer: engaged on ")


def test_a_loop_that_unscales_and_then_clips() -> None:
    loop = AuditedLoop(scaler=(scaler := torch.amp.GradScaler("cpu", growth_interval=5)))
    for loss in loop.losses(40):
        scaler.scale(loss).backward()
        scaler.unscale_(loop.optimizer)
        clip_grad_norm_(loop.parameters, 1.0)
        scaler.step(loop.optimizer)
        scaler.update()
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert loop.sentence().startswith("your loop clips the norm to 1.0 before the optimizer: engaged on 100 % of")


def test_a_loop_that_clips_each_element() -> None:
    loop = AuditedLoop()
    for loss in loop.losses(40):
        loss.backward()
        clip_grad_value_(loop.parameters, 0.5)
        loop.optimizer.step()
        loop.optimizer.zero_grad()
    print(loop.sentence())
    assert loop.sentence().startswith("your loop clips each element to 0.5 before the optimizer: engaged on 100 % of")

"""Hooks on an optimizer: what runs between two steps, when the gradients are ready, and after the update."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Protocol

from torch.optim import Optimizer


class StepListener(Protocol):
    """What `StepHooks` calls, in this order; `gradients_ready` only if a closure computes the gradients."""

    def before_step(self, has_gradients: bool) -> None: ...

    def gradients_ready(self) -> None: ...

    def after_step(self) -> None: ...


class StepHooks:
    """Calls a listener in each `optimizer.step`, until `remove`.

    A closure computes the gradients inside of the step, so it is wrapped. One that is called several times in a step
    counts once. So does the `step` of a subclass that calls that of its base class, for which torch calls hooks twice.
    """

    def __init__(self, optimizer: Optimizer, listener: StepListener) -> None:
        self._listener = listener
        # The call of `step` that has begun and not ended; one that raises never ends. Not the frame itself, which would
        # keep the loop's tensors alive.
        self._call: tuple[int, CodeType] | None = None
        self._running = self._removed = False
        self._handles = [
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_step_post_hook(self._after),
        ]

    def remove(self) -> None:
        """Remove the hooks. Within one of them, where torch goes through all hooks, they only fall silent."""
        self._removed = True
        if not self._running:
            for handle in self._handles:
                handle.remove()

    def _run(self, hook: Callable[[], None]) -> None:
        self._running = True
        try:
            hook()
        finally:
            self._running = False

    def _before(self, optimizer: Optimizer, args: Any, kwargs: Any) -> tuple[Any, dict[str, Any]] | None:
        if self._removed:
            return None
        call = _caller()
        if self._call is not None and _is_within(call, self._call):
            return None
        self._call = id(call), call.f_code
        # The arguments of `step`; some versions of torch have the optimizer itself first.
        place = next((place for place, each in enumerate(args) if callable(each) and each is not optimizer), None)
        keyword = callable(kwargs.get("closure"))
        self._run(lambda: self._listener.before_step(place is None and not keyword))
        if place is not None:
            return (*args[:place], self._wrapped(args[place]), *args[place + 1 :]), kwargs
        if keyword:
            return args, {**kwargs, "closure": self._wrapped(kwargs["closure"])}
        return None

    def _wrapped(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        called = False

        def wrapped() -> Any:
            nonlocal called
            loss = closure()
            if not called:
                called = True
                self._listener.gradients_ready()
            return loss

        return wrapped

    def _after(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        call = _caller()
        if not self._removed and (id(call), call.f_code) == self._call:
            self._call = None
            self._run(self._listener.after_step)


def _caller() -> FrameType:
    """The frame that has called the function that calls this one."""
    return sys._getframe(2)


def _is_within(frame: FrameType, call: tuple[int, CodeType]) -> bool:
    """Whether this call waits for the frame. Its code is compared, too: a frame that has ended may leave its id."""
    outer = frame.f_back
    while outer is not None:
        if (id(outer), outer.f_code) == call:
            return True
        outer = outer.f_back
    return False

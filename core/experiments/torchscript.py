"""Run a function of torch operations without Python's interpreter lock.

A training step is some eighty short operations, each of which gives up the lock and takes it back, and two lanes in two
threads spend a third of their time waking each other. Compiled to TorchScript, the same operations run in the same
order in one call without the lock: the same bits, sooner, as long as its optimizer is off. A function that the
optimizer has rewritten once stays rewritten, in every thread, so each call switches it off first. TorchScript is frozen
rather than developed, so the functions stay ordinary Python: where it is gone they run as they are, and the caller is
told.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch


class _Compiled:
    """A compiled function that runs its operations in the order written."""

    def __init__(self, compiled: Callable[..., Any]) -> None:
        self._compiled = compiled

    def __call__(self, *arguments: Any) -> Any:
        # Of this thread; `torch.jit.optimized_execution` does the same and takes 2 us a call instead of 0.2 us.
        torch._C._set_graph_executor_optimize(False)  # pyright: ignore[reportPrivateUsage]
        return self._compiled(*arguments)


def unlocked(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled, or itself where this torch cannot; `is_unlocked` tells which."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _Compiled(torch.jit.script(function))
        except (AttributeError, RuntimeError, NotImplementedError):
            return function


def is_unlocked(function: Callable[..., Any]) -> bool:
    """Whether `unlocked` could compile this function."""
    return isinstance(function, _Compiled)

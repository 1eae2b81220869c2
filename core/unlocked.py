"""The one module that knows TorchScript: it runs a function of torch operations without Python's interpreter lock.

A training step is some eighty short operations, each of which gives up the lock and takes it back, and two lanes in two
threads spend a third of their time waking each other. Compiled to TorchScript, the same operations run in the same
order in one call without the lock: the same bits, sooner, as long as its optimizer is off. A function that the
optimizer has rewritten once stays rewritten, in every thread, so each call switches it off first.

TorchScript is deprecated, so the functions stay ordinary Python. On a torch without it they run as they are: the same
bits, but two lanes train at a third of their speed, and the user is told. A free-threaded Python gives the speed back;
ARCHITECTURE.md ("When TorchScript goes") has the figures.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import torch

Function = TypeVar("Function", bound=Callable[..., Any])


class _Compiled:
    """A compiled function that runs its operations in the order written."""

    def __init__(self, compiled: Callable[..., Any]) -> None:
        self._compiled = compiled

    def __call__(self, *arguments: Any) -> Any:
        with torch.jit.optimized_execution(False):  # pyright: ignore[reportPrivateImportUsage]
            return self._compiled(*arguments)


def unlocked(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled, or itself where this torch cannot; `is_unlocked` tells which."""
    # `torch.jit.script` warns that it is deprecated.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _Compiled(torch.jit.script(function))
        except (AttributeError, RuntimeError, NotImplementedError):
            return function


def is_unlocked(function: Callable[..., Any]) -> bool:
    """Whether `unlocked` could compile this function."""
    return isinstance(function, _Compiled)


def called_as_python(function: Function) -> Function:
    """`function` for compiled ones to call, without compiling it: it may import and call anything."""
    try:
        return torch.jit.ignore(drop=False)(function)  # pyright: ignore[reportPrivateImportUsage]
    except AttributeError:
        return function

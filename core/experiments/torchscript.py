"""Compiles functions of torch operations by TorchScript, so that they run without the interpreter lock.

A training step is some eighty short operations, each of which releases the lock and acquires it again. Two lanes in two
threads would spend a third of their time on that. TorchScript runs the same operations in the same order in one call
without the lock, so the bits are the same.

That holds only while TorchScript's optimizer is off. A function that the optimizer has rewritten once stays rewritten,
in every thread, so each call switches the optimizer off first. No other module uses TorchScript.

TorchScript is deprecated, so the functions stay ordinary Python. On a torch without it they run uncompiled: the same
bits, but two lanes train at a third of their speed, and a `Notice` says so. A free-threaded Python gives most of the
speed back; ARCHITECTURE.md ("When TorchScript goes") has the figures.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


class _Compiled(Generic[P, R]):
    """A compiled function that runs its operations in the order written."""

    def __init__(self, compiled: Callable[P, R]) -> None:
        self._compiled = compiled

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        with torch.jit.optimized_execution(False):  # pyright: ignore[reportPrivateImportUsage]
            return self._compiled(*args, **kwargs)


def compile_function(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` compiled, or unchanged if this torch cannot compile it."""
    # `torch.jit.script` warns that it is deprecated.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _Compiled(torch.jit.script(function))
        except (AttributeError, RuntimeError, NotImplementedError):
            return function


def is_compiled(function: Callable[..., Any]) -> bool:
    """Whether `compile_function` could compile this function."""
    return isinstance(function, _Compiled)


def called_as_python(function: Callable[P, R]) -> Callable[P, R]:
    """Make compiled functions call `function` as ordinary Python, so that it may import and call anything."""
    try:
        return torch.jit.ignore(drop=False)(function)  # pyright: ignore[reportPrivateImportUsage]
    except AttributeError:
        return function


def trace_module(module: torch.nn.Module, example: torch.Tensor) -> Any:
    """Return `module` traced with an example input, or unchanged if this torch cannot trace. The graph is not checked.

    The check would import so much of torch that it takes most of a second.
    """
    try:
        return torch.jit.trace(module, example, check_trace=False)
    except AttributeError:
        return module

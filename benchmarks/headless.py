"""Measures the speed of `clipwatch --no-ui`, and compares other speeds with a base."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

import msgspec
from pseudoterminal import CLIPWATCH
from scipy.stats import quantile_test

Name = TypeVar("Name")


def headless_speed(options: Sequence[str]) -> float:
    """Steps per second of a lane of `clipwatch --no-ui`, from its own events."""
    run = [sys.executable, *CLIPWATCH, *options, "--no-ui", "--json"]
    lines = subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    ends = [event for event in map(msgspec.json.decode, lines) if event["event"] == "LaneFinished"]
    return statistics.mean(end["step"] / end["training_seconds"] for end in ends)


def mnist_options() -> list[str]:
    """Options for training on MNIST, from the folder on the command line if there is one."""
    return ["--dataset", "mnist", *(["--data-dir", os.path.abspath(sys.argv[1])] if len(sys.argv) > 1 else [])]


def shares(
    base: Callable[[], float], others: Mapping[Name, Callable[[], float]], rounds: int
) -> tuple[float, dict[Name, list[float]]]:
    """Measure the base and the others in turn. Return the median speed of the base, and the others' shares of it.

    A share is relative to the mean of the base before and after, so that a slow drift of the machine cancels.
    """
    bases, speeds = [base()], []
    for turn in range(rounds):
        order = list(others)[:: -1 if turn % 2 else 1]
        speeds.append({name: others[name]() for name in order})
        bases.append(base())
    means = [statistics.mean(beside) for beside in pairwise(bases)]
    found = {name: [one[name] / mean for one, mean in zip(speeds, means, strict=True)] for name in others}
    return statistics.median(bases), found


def interval(values: Sequence[float]) -> str:
    """The 95 % confidence interval of the median of shares."""
    bounds = quantile_test(values).confidence_interval()
    return f"{bounds.low:.1%} to {bounds.high:.1%}"

"""The program without a screen, as fast as it goes, and what else does in comparison."""

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
    """Steps per second and lane of `clipwatch --no-ui`, as it tells them itself."""
    run = [sys.executable, *CLIPWATCH, *options, "--no-ui", "--json"]
    lines = subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    ends = [event for event in map(msgspec.json.decode, lines) if event["event"] == "LaneFinished"]
    return statistics.mean(end["step"] / end["training_seconds"] for end in ends)


def mnist_options() -> list[str]:
    """Options for training on the MNIST in the folder that the command line names, if it does."""
    return ["--dataset", "mnist", *(["--data-dir", os.path.abspath(sys.argv[1])] if len(sys.argv) > 1 else [])]


def shares(
    base: Callable[[], float], others: Mapping[Name, Callable[[], float]], rounds: int
) -> tuple[float, dict[Name, list[float]]]:
    """Speeds measured in turn, in every round each of the others once: the base's median, and the others' shares of it.

    A share is one of the mean of the bases before and after, so that a machine that slowly gets slower meets both.
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
    """The 95 % interval of the median of shares."""
    bounds = quantile_test(values).confidence_interval()
    return f"{bounds.low:.1%} to {bounds.high:.1%}"

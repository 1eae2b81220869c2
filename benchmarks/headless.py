"""The program without a screen, as fast as it goes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence

import msgspec
from pseudoterminal import CLIPWATCH


def headless_speed(options: Sequence[str]) -> float:
    """Steps per second and lane of `clipwatch --no-ui`, as it tells them itself."""
    run = [sys.executable, *CLIPWATCH, *options, "--no-ui", "--json"]
    lines = subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout.splitlines()
    ends = [event for event in map(msgspec.json.decode, lines) if event["event"] == "LaneFinished"]
    return statistics.mean(end["step"] / end["training_seconds"] for end in ends)


def mnist_options() -> list[str]:
    """Options for training on the MNIST in the folder that the command line names, if it does."""
    return ["--dataset", "mnist", *(["--data-dir", os.path.abspath(sys.argv[1])] if len(sys.argv) > 1 else [])]

"""The sweep that a key on a run's screen starts, once that screen has ended."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ...core.stream.sweep_config import SweepConfig


def sweep_after_run(args: argparse.Namespace) -> Callable[[SweepConfig], int]:
    """A function that trains a sweep as `clipwatch sweep` does, recorded beside the run; `args` are the run's."""

    def train(config: SweepConfig) -> int:
        # Few runs need it, and their screen must not wait for its import.
        from .sweep_command import train_sweep

        return train_sweep(config, args)

    return train

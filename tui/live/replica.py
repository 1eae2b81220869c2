"""Trains a replica of a sweep again as a run, on the screen."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ...core.stream.sweep_events import Results
from ...core.sweeps.replica_run import replica_run, typical_seed
from ..engine_child.request import ScreenOptions, TrainRun
from ..text.messages import tell
from ..text.replica_lines import trained_again
from ..view.speed_limits import DEFAULT_PACE
from .run import run_live


def show_replica(results: Results, number: int, home: Path) -> int:
    """Train the typical replica of setting `number` (from 0 on), recorded in `home`, and show it."""
    setting = results.started.config.settings[number]
    seed = typical_seed(results, setting)
    tell(trained_again(setting, seed))
    config = msgspec.structs.replace(replica_run(results, setting, seed), pace=DEFAULT_PACE)
    return run_live(TrainRun(config=config, record_in=home), ScreenOptions())

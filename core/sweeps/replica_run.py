"""One replica of a sweep as a run: a sweep stores its ends and a few points of its curve, a run has every figure."""

from __future__ import annotations

import math

import msgspec

from ..errors import BadInput
from ..stream.config import LaneConfig, RunConfig, with_dataset
from ..stream.experiment_info import MetricInfo
from ..stream.sweep_config import Setting
from ..stream.sweep_events import Results


def numbered_setting(results: Results, number: int) -> Setting:
    """The setting with this number, counted from 1. Raises BadInput."""
    settings = results.started.config.settings
    if not 1 <= number <= len(settings):
        raise BadInput(
            f"setting {number}: the sweep has settings 1 to {len(settings)}; without a number, they are listed"
        )
    return settings[number - 1]


def typical_seed(results: Results, setting: Setting) -> int:
    """The seed whose result is the median of its setting (the worse one of two), a diverged one being the worst.

    The first seed before any result.
    """
    metric: MetricInfo = results.started.experiment.main
    sign = -1 if metric.lower_is_better else 1
    ranked: list[tuple[float, int]] = []
    for replica in results.replicas.values():
        if replica.setting == setting.number:
            value = sign * replica.figures.of(metric.name) if replica.figures else -math.inf
            ranked.append((value if math.isfinite(value) else -math.inf, replica.seed))
    ranked.sort()
    return ranked[(len(ranked) - 1) // 2][1] if ranked else results.started.config.every_seed[0]


def replica_run(results: Results, setting: Setting, seed: int) -> RunConfig:
    """The settings of a run that trains what the replica trained. Raises BadInput for a seed that the sweep lacks.

    If the sweep also trained without clipping, the run has that replica as its first lane.
    """
    config = results.started.config
    if seed not in config.every_seed:
        more = ", ..." if len(config.every_seed) > 8 else ""
        raise BadInput(f"seed {seed}: the sweep has {', '.join(map(str, config.every_seed[:8]))}{more}")
    lanes = (LaneConfig("replica", setting.rule),)
    if setting.rule != "none" and "none" in config.axes.get("clip", ()):
        lanes = (LaneConfig("unclipped", "none"), LaneConfig("clipped", setting.rule))
    run = with_dataset(setting.config, results.started.dataset.name)
    return msgspec.structs.replace(run, lanes=lanes, seed=seed, diagnostics=config.base.diagnostics)

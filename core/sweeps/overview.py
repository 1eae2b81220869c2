"""The overview of a sweep in a list: its progress and the difference in its first comparison, without statistics."""

from __future__ import annotations

import msgspec

from ..runs.folder import RunStatus
from ..stream.builtin_experiments import ACCURACY
from ..stream.config import KEYS
from ..stream.events import DatasetInfo
from ..stream.experiment_info import ExperimentInfo, Value
from ..stream.sweep_config import SweepConfig
from ..stream.sweep_events import Results
from .pairs import pair_name, pairs
from .store import SweepFolder, read_sweep


class FirstComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Mean differences (other minus reference) of a sweep's first pair, over the `seeds` that both have completed.

    `points`: accuracy in percentage points, 0 if the experiment has none. `nats`: loss. `main`: the experiment's first
    metric, or the loss if it has none, in its own unit.
    """

    name: str
    seeds: int
    points: float
    nats: float
    main: float


class SweepOverview(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep in a list. `started` is in seconds since 1970 (UTC); `done`, `total` and `diverged` count replicas.

    `optimizer` lists the values of an axis: `adam, sgd`. `values`: those of each setting of the experiment. A sweep
    cannot be `changed` mid-run.

    The state is `failed` if all replicas diverged. `comparison` is None until its settings have a common seed.
    """

    state: RunStatus
    started: float
    dataset: DatasetInfo
    settings: int
    seeds: int
    done: int
    total: int
    comparison: FirstComparison | None
    optimizer: str
    experiment: ExperimentInfo
    values: dict[str, tuple[Value, ...]]
    diverged: int = 0
    changed: bool = False


def overview(folder: SweepFolder) -> SweepOverview:
    """Read the overview of a sweep. Raises BadInput if it cannot be read."""
    results = read_sweep(folder, curves=False).results
    config = results.started.config
    return SweepOverview(
        state=_state(results, folder),
        started=results.started.time,
        dataset=results.started.dataset,
        settings=len(config.settings),
        seeds=len(config.every_seed),
        done=len(results.replicas),
        total=config.replicas,
        comparison=_first(results),
        optimizer=", ".join(map(str, _axis(config, "optimizer"))),
        experiment=results.started.experiment,
        values={name: _axis(config, name) for name in _setting_names(config)},
        diverged=results.diverged,
    )


def _axis(config: SweepConfig, name: str) -> tuple[Value, ...]:
    """The values of an axis, or the one value of a setting that is none."""
    return tuple(config.axes.get(name, (config.base.settings.get(name, getattr(config.base, name, "")),)))


def _setting_names(config: SweepConfig) -> tuple[str, ...]:
    """The settings of the experiment, those that only an axis sets included."""
    return tuple(dict.fromkeys((*config.base.settings, *(name for name in config.axes if name not in (*KEYS, "clip")))))


def _state(results: Results, folder: SweepFolder) -> RunStatus:
    if results.unfinished:
        return "running" if folder.is_being_written() else "interrupted"
    return "failed" if results.all_diverged else "done"


def _first(results: Results) -> FirstComparison | None:
    """The first pair of the sweep, or None if its settings have no common seed."""
    axis, reference, other = next(pairs(results.started.config), (None, None, None))
    if axis is None or reference is None or other is None:
        return None
    first, second = results.figures(reference.number), results.figures(other.number)
    seeds = first.keys() & second.keys()
    if not seeds:
        return None

    def mean(series: str) -> float:
        return sum(second[seed].of(series) - first[seed].of(series) for seed in seeds) / len(seeds)

    main = results.started.experiment.main
    points = 100 * mean(ACCURACY.name) if ACCURACY.name in {info.name for info in results.started.metrics} else 0.0
    name = pair_name(axis, reference, other)
    return FirstComparison(name=name, seeds=len(seeds), points=points, nats=mean("loss"), main=mean(main.name))

"""Everything that a lane was trained with, as plain values by name, and the settings in which lanes differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..stream.builtin_experiments import BUILT_IN
from ..stream.config import from_options
from ..stream.events import (
    Change,
    ClipChanged,
    LaneForked,
    LaneStarted,
    LearningRateChanged,
    MomentsReset,
    RunStarted,
)
from ..stream.experiment_info import ExperimentInfo, Value
from ..stream.fork_words import origin_text
from ..stream.lane_config import LaneConfig
from ..stream.state import configured_rate

# The events that say how a lane trains.
LaneChange = LaneStarted | Change
# The settings of a run that decide its numbers, beside those of the experiment and of the optimizer.
_OF_RUN = ("seed", "batch_size", "eval_every", "eval_size", "nonfinite", "reset_moments", "layers")
# A lane without these has "" instead, so that it differs from a lane that has them.
CHANGES, FORK, FORKED_RUN = "changes", "fork", "forked from"


def lane_settings(
    started: RunStarted, experiment: ExperimentInfo, root: str, changes: Sequence[LaneChange], planned: int | None
) -> dict[str, Value]:
    """The settings of a lane, the most interesting first; those that do not apply are left out.

    `root`: the lane of the configuration that it is, or was forked from. `changes` are its events in order, `planned`
    is the number of its steps. Changes and forks are written as `norm:1@300` and `A@300`.
    """
    found = dict[str, Value](_of_lane(started, experiment, root, changes))
    found["experiment"] = experiment.name
    if started.dataset.name != experiment.name:
        found["dataset"] = started.dataset.name
    if not started.watched:
        found |= {name: value for name, value in started.config.settings.items() if name != "dataset"}
        found |= {name: getattr(started.config, name) for name in _OF_RUN}
        found |= {} if planned is None else {"iterations": planned}
        found["data"] = started.dataset.checksum[:8]
    if experiment.checksum:
        found["code"] = experiment.checksum[:8]
    found[FORKED_RUN] = ""
    if origin := started.forked_from:
        found[FORKED_RUN] = origin_text(origin.lane, origin.step, origin.run)
    found["device"] = started.device
    return found | {f"{name} version": version for name, version in started.versions.items()}


def _of_lane(
    started: RunStarted, experiment: ExperimentInfo, root: str, changes: Sequence[LaneChange]
) -> Iterator[tuple[str, Value]]:
    """Rule, learning rate and optimizer at the start, and what was changed later."""
    own = next((one for one in started.config.lanes if one.name == root), LaneConfig(root, "none"))
    config = started.config.for_lane(own)
    begins = [event for event in changes if isinstance(event, LaneStarted | LaneForked)]
    rule = begins[0].rule if begins else own.rule
    yield "clip", "observed" if started.watched and rule == "none" else rule
    has_own = started.watched or experiment.own_optimizer
    recorded = (event.learning_rate for event in begins if event.learning_rate is not None)
    if (rate := next(recorded, configured_rate(started, root))) is not None:
        yield "learning_rate", rate
    if not has_own:
        yield "optimizer", config.optimizer
        if config.optimizer == "adam":
            yield "beta1", config.beta1
    later = (_change(event) for event in changes if not isinstance(event, LaneStarted | LaneForked))
    yield CHANGES, ", ".join(dict.fromkeys(later))
    yield FORK, next((origin_text(event.parent, event.step) for event in changes if isinstance(event, LaneForked)), "")


def _defaults(experiment: str) -> dict[str, Value]:
    """The settings of a run of a built-in experiment where none are given."""
    if experiment not in BUILT_IN:
        return {}
    config = from_options({"experiment": experiment})
    return {name: getattr(config, name) for name in ("learning_rate", "optimizer", "beta1", "iterations", *_OF_RUN)}


def _change(event: ClipChanged | LearningRateChanged | MomentsReset) -> str:
    match event:
        case ClipChanged(rule=rule, step=step, moments_reset=reset):
            return f"{rule}@{step}{' with reset' if reset else ''}"
        case LearningRateChanged(rate=rate, step=step):
            return f"lr={rate:g}@{step}"
        case MomentsReset(step=step):
            return f"reset@{step}"


def differing(settings: Sequence[Mapping[str, Value]]) -> list[str]:
    """The names of settings of which these lanes have several values. A lane that lacks one does not count.

    Lanes of different experiments do not also differ by what follows from that: by their defaults, and by the data.
    Data that differ by name are not said to differ by checksum, too.
    """
    values: dict[str, set[str]] = {}
    unusual = {"experiment", "clip"}
    for of_lane in settings:
        defaults = _defaults(str(of_lane.get("experiment", "")))
        for name, value in of_lane.items():
            values.setdefault(name, set()).add(repr(value))
            if value != defaults.get(name):
                unusual.add(name)
    names = [name for name, found in values.items() if len(found) > 1]
    if "experiment" in names:
        names = [name for name in names if name in unusual]
    known = {"data": ("dataset", "experiment"), "dataset": ("experiment",), "code": ("experiment",)}
    return [name for name in names if not any(other in names for other in known.get(name, ()))]

"""The settings of a sweep, frozen and validated, and an estimate of its duration."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from ..errors import BadInput
from .builtin_experiments import BUILT_IN, LENET, TEMPORAL_ORDER
from .config import DEFAULT_LANES, KEYS, LaneConfig, RunConfig, from_options, with_dataset
from .experiment_info import Value
from .experiment_settings import setting_value
from .lane_config import OWN_SETTINGS
from .limits import MOST
from .rules import LayerNormClip, NoClip, NormClip, SignClip, ValueClip, parse_rule, recorded_rule

# Settings of a run without effect in a sweep, which has no screen and no rule changes.
WITHOUT_EFFECT = {"pace", "checkpoint_every", "diagnostics", "diagnose_every", "reset_moments"}
# These have one value for all replicas, or are the seeds themselves.
NO_AXIS = {*WITHOUT_EFFECT, "seed", "lanes", "data_dir", "offline", "device", "eval_every", "experiment", "settings"}
# A setting of LeNet that all replicas share, since a sweep reads one data set.
_DATASET = "dataset"
_LANE = "replica"
# The number of seeds of a sweep, unless it is given.
SEEDS = 32
# Milliseconds per step and image: for a stacked replica on one core, for one trained alone, and for one of a thousand
# stacked replicas on a large GPU, evaluations included.
_STACKED_MS, _ALONE_MS, _ON_GPU_MS = 0.08, 0.12, 0.0006
# Milliseconds per step and symbol of a sequence of temporal-order.
_SYMBOL_MS = 0.5 / (20 * 20)
# Seconds until the workers have loaded torch and the data.
_START_SECONDS = 4.0


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One combination of values: `choice` by axis, and the run that it makes, whose seed is filled in later."""

    number: int
    choice: dict[str, Value]
    config: RunConfig

    @property
    def rule(self) -> str:
        """The clip rule."""
        return self.config.lanes[0].rule

    @property
    def name(self) -> str:
        """The values that tell this setting from the others."""
        return ", ".join(axis_value(axis, value) for axis, value in self.choice.items()) or self.rule


class SweepConfig(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A grid of settings, each trained with the same seeds: `seeds` of them from `base.seed` on, or those in `chosen`.

    `axes` gives the values by the name of a run's setting; `clip` is the rule. Raises BadInput, which names the axis.
    """

    base: RunConfig
    axes: dict[str, tuple[Value, ...]]
    seeds: int = SEEDS
    chosen: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.seeds <= MOST:
            raise BadInput(f"seeds {self.seeds}: must be 1 or more, and at most 10^15")
        for seed in (*self.chosen, self.base.seed + self.seeds - 1):
            # Refuses the seeds that a run refuses.
            from_options({"seed": seed})
        if len(set(self.chosen)) != len(self.chosen):
            raise BadInput(f"seed {_repeated(self.chosen)} is given twice: every seed counts once")
        for axis, values in self.axes.items():
            if axis != "clip" and not self._can_vary(axis):
                raise BadInput(f"{axis.replace('_', '-')} cannot be an axis of a sweep: give it once")
            if not values:
                raise BadInput(f"axis {axis.replace('_', '-')}: no values")
            for value in values:
                if not isinstance(value, Value):
                    raise BadInput(f"axis {axis.replace('_', '-')}: {value!r} is neither text nor a number")
            if len(set(values)) != len(values):
                raise BadInput(f"axis {axis.replace('_', '-')}: {_repeated(values)} is given twice")
        _ = self.settings

    def _can_vary(self, axis: str) -> bool:
        """Whether an axis can have several values: some settings of the run, and all of a user's experiment."""
        if axis in KEYS:
            return axis not in NO_AXIS
        experiment = BUILT_IN.get(self.base.experiment)
        return experiment is None or (axis != _DATASET and axis in experiment.setting_names)

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The grid. The last axis varies fastest."""
        combinations = itertools.product(*self.axes.values())
        return tuple(
            self._setting(number, dict(zip(self.axes, values, strict=True)))
            for number, values in enumerate(combinations)
        )

    def _setting(self, number: int, choice: dict[str, Value]) -> Setting:
        plain = {key: value for key, value in choice.items() if key in KEYS}
        own = {key: value for key, value in choice.items() if key not in KEYS and key != "clip"}
        lanes = (LaneConfig(_LANE, str(choice.get("clip", "none"))),)
        # A sweep does not use diagnostics, which would slow replicas that are trained alone.
        values = {name: getattr(self.base, name) for name in KEYS} | {"diagnostics": False}
        values |= {**plain, "lanes": lanes, "settings": {**self.base.settings, **own}}
        return Setting(number=number, choice=choice, config=from_options(values))

    @property
    def every_seed(self) -> Sequence[int]:
        """The seeds in order."""
        return self.chosen or range(self.base.seed, self.base.seed + self.seeds)

    @property
    def replicas(self) -> int:
        """The number of networks to train."""
        return len(self.settings) * (len(self.chosen) or self.seeds)

    def seconds(self, cores: int) -> float | None:
        """A rough estimate of the duration on this many idle cores, or on the device of the sweep.

        None for a user's experiment: nobody knows how long its step takes.
        """
        if self.base.experiment not in BUILT_IN:
            return None
        workers = max(1, cores) if self.base.device == "cpu" else 1
        per_seed = sum(
            _example_ms(setting.config) * setting.config.batch_size * setting.config.iterations
            for setting in self.settings
        )
        return _START_SECONDS + per_seed / 1000 * (len(self.chosen) or self.seeds) / workers


def sweep_config(base: RunConfig, axes: Mapping[str, Sequence[Any]], seeds: int, chosen: Sequence[int]) -> SweepConfig:
    """A sweep from a run and the values of each axis, with rules in canonical spelling."""
    rules = {"clip": [str(parse_rule(str(rule))) for rule in axes["clip"]]} if "clip" in axes else {}
    spelled = {axis: _typed(axis, values, base) for axis, values in {**axes, **rules}.items()}
    _refuse_axes_without_effect(base, spelled)
    return SweepConfig(base=base, axes=spelled, seeds=len(chosen) or seeds, chosen=tuple(chosen))


def _typed(axis: str, values: Sequence[Any], base: RunConfig) -> tuple[Any, ...]:
    """The values of an axis. Those of a built-in experiment's setting get its type: `--set` gives text."""
    experiment = BUILT_IN.get(base.experiment)
    if experiment is None or axis not in experiment.setting_names:
        return tuple(values)
    return tuple(setting_value(axis, value, experiment) for value in values)


def sweep_of_run(run: RunConfig, dataset: str, *, own_optimizer: bool = False) -> SweepConfig:
    """A sweep that compares what the lanes of a run differ by, on its data, with its other settings, from its seed on.

    `own_optimizer`: see `axes_of_lanes`.
    """
    run, axes = axes_of_lanes(run, own_optimizer=own_optimizer)
    base = msgspec.structs.replace(with_dataset(run, dataset), pace=None, lanes=DEFAULT_LANES)
    return sweep_config(base, axes, SEEDS, ())


def axes_of_lanes(run: RunConfig, *, own_optimizer: bool) -> tuple[RunConfig, dict[str, list[Value]]]:
    """The axes whose combinations contain each lane of a run, and the run with what the lanes have in common.

    `own_optimizer`: a user's experiment makes its optimizer, whose learning rate cannot be an axis. Then only the rules
    of the lanes are compared.
    """
    axes: dict[str, list[Value]] = {"clip": list(dict.fromkeys(lane.rule for lane in run.lanes))}
    lanes = [run if own_optimizer else run.for_lane(lane) for lane in run.lanes]
    for name in OWN_SETTINGS:
        # Only Adam uses beta1.
        used = (lane for lane in lanes if name != "beta1" or lane.optimizer == "adam")
        values = list(dict.fromkeys(getattr(lane, name) for lane in used))
        if len(values) > 1:
            axes[name] = values
        elif values:
            run = msgspec.structs.replace(run, **{name: values[0]})
    return run, axes


def _refuse_axes_without_effect(base: RunConfig, axes: Mapping[str, Sequence[Any]]) -> None:
    """Only for new sweeps: recorded ones stay readable."""
    others = [name for name in axes.get("optimizer", (base.optimizer,)) if name != "adam"]
    if len(axes.get("beta1", ())) > 1 and others:
        raise BadInput(
            f"beta1 has no effect with optimizer {others[0]}, so its values would all train the same:"
            " give one --beta1, or --optimizer adam alone"
        )
    if len(axes.get("eval_size", ())) > 1:
        raise BadInput("eval-size decides nothing that a sweep compares: give it once")


def is_stackable(config: RunConfig) -> bool:
    """Whether replicas of this run can be trained stacked. The engine trains the others one by one."""
    stacked = NoClip | ValueClip | NormClip | LayerNormClip | SignClip
    rule = recorded_rule(config.lanes[0].rule)
    return config.experiment == LENET.info.name and isinstance(rule, stacked) and config.nonfinite == "propagate"


def _example_ms(config: RunConfig) -> float:
    """Milliseconds per step and example of a built-in experiment."""
    if config.experiment == TEMPORAL_ORDER.info.name:
        return _SYMBOL_MS * int(config.settings["length"])
    if not is_stackable(config):
        return _ALONE_MS
    return _STACKED_MS if config.device == "cpu" else _ON_GPU_MS


def axis_value(axis: str, value: Value) -> str:
    """A short name for a value of an axis."""
    match axis, value:
        case "clip", "none":
            return "not clipped"
        case "clip", _:
            return str(value)
        case "head", "relu":
            return "ReLU on the logits"
        case "head", "linear":
            return "plain logits"
        case "optimizer", _:
            return str(value)
        case _:
            return f"{axis.replace('_', ' ')} {value}"


def _repeated(values: Sequence[Value]) -> Value:
    return next(value for place, value in enumerate(values) if value in values[:place])

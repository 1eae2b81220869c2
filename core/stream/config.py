"""The settings of a run, frozen and validated. The command line and TOML files both become a `RunConfig`."""

from __future__ import annotations

import codecs
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli_w

from ..errors import BadInput
from ..safe_text import printable
from .builtin_experiments import BUILT_IN, LENET, OWN_DEFAULTS, BuiltIn
from .experiment_info import Value
from .experiment_settings import complete_settings, nearest, no_such_setting, require_known_settings
from .lane_config import (
    BETA1_RANGE,
    OPTIMIZERS,
    RATE_RANGE,
    LaneConfig,
    Optimizer,
    lanes_of,
    lanes_table,
    with_later_rules,
)
from .limits import MOST
from .rules import parse_rule

# The settings that describe the optimizer.
OF_OPTIMIZER = ("optimizer", "learning_rate", "beta1")
NONFINITE = ("propagate", "skip", "zero", "stop")
_CHOICES = {"optimizer": OPTIMIZERS, "nonfinite": NONFINITE}
_COUNTS = ("iterations", "batch_size", "eval_every", "eval_size", "diagnose_every", "checkpoint_every", "layers")
_NO_TABLE = "settings: write a table of NAME = VALUE"
_CLIPPED = "clipped"
DEFAULT_LANES = (LaneConfig("unclipped", "none"), LaneConfig(_CLIPPED, "value:0.001"))


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting that decides a run's numbers. The defaults are the values of the assignment.

    `experiment` is the name of a built-in one, whose `settings` are filled in and checked here, or a user's:
    `FILE.py[:CLASS]` or `PACKAGE.MODULE:CLASS`, whose settings only its own code knows. A layer of a user's network is
    a module path cut at depth `layers`.
    `pace` is the speed limit in steps per second; None is full speed. With `reset_moments`, the optimizer state is
    reset whenever a lane's rule changes. `nonfinite` decides about a gradient with NaN or infinity: use it as it is,
    skip the step, set these elements to 0, or end the lane. With `diagnostics`, every `diagnose_every`-th evaluation
    measures what the clip does. Raises BadInput, which names the setting.
    """

    experiment: str = LENET.info.name
    settings: dict[str, Value] = {}
    data_dir: str | None = None
    offline: bool = False
    seed: int = 0
    iterations: int = 1000
    batch_size: int = 8
    eval_every: int = 10
    eval_size: int = 100
    learning_rate: float = 0.001
    beta1: float = 0.5
    optimizer: Optimizer = "adam"
    reset_moments: bool = False
    nonfinite: Literal["propagate", "skip", "zero", "stop"] = "propagate"
    diagnostics: bool = True
    diagnose_every: int = 5
    lanes: tuple[LaneConfig, ...] = DEFAULT_LANES
    pace: float | None = None
    checkpoint_every: int = 500
    device: str = "cpu"
    layers: int = 1

    def __post_init__(self) -> None:
        if self.experiment in BUILT_IN:
            settings = complete_settings(self.settings, BUILT_IN[self.experiment])
            msgspec.structs.force_setattr(self, "settings", settings)
        for name, choices in _CHOICES.items():
            _known(name, getattr(self, name), choices)
        for name in _COUNTS:
            _require(getattr(self, name) >= 1, name, getattr(self, name), "must be 1 or more")
            _require(getattr(self, name) <= MOST, name, getattr(self, name), "must be at most 10^15")
        texts = [(name, getattr(self, name)) for name in ("experiment", "data_dir", "device")]
        for name, text in (*texts, *self.settings.items()):
            _require(_is_unicode(name) and _is_unicode(text), printable(name), repr(text), "must be valid Unicode")
        _require(0 <= self.seed < 2**63, "seed", self.seed, "must be from 0 to 2^63 - 1")
        rate = self.learning_rate
        _require(math.isfinite(rate) and rate > 0, "learning_rate", rate, RATE_RANGE)
        _require(0 <= self.beta1 < 1, "beta1", self.beta1, BETA1_RANGE)
        if self.pace is not None:
            _require(math.isfinite(self.pace) and self.pace > 0, "pace", self.pace, "must be above 0, or max")
        names = [lane.name for lane in self.lanes]
        _require(len(names) >= 1, "lanes", "none given", "at least one")
        _require(len(set(names)) == len(names), "lanes", ", ".join(names), "each name once")

    def for_lane(self, lane: LaneConfig) -> RunConfig:
        """The run's settings with those that the lane has of its own."""
        return msgspec.structs.replace(self, **lane.own_settings)


KEYS = RunConfig.__struct_fields__
_KINDS = {field.name: field.type for field in msgspec.structs.fields(RunConfig)}


def from_options(options: Mapping[str, Any]) -> RunConfig:
    """A run from plain values by setting name. Missing settings take their default.

    `lanes` is a dict of name to rule, with a lane's own settings after commas or in a table, see `lane_config`. `clip`
    is the rule of the lane named `clipped`. `clip_at` are steps, each with the rule that holds from it on: `RULE` for
    that lane, `NAME=RULE` for another one. `pace` may be "max". A setting of a built-in experiment may be given by its
    own name too, beside the table `settings`.
    """
    given = {key: value for key, value in options.items() if key not in ("clip", "clip_at")}
    name = given.get("experiment", LENET.info.name)
    experiment = BUILT_IN.get(name) if isinstance(name, str) else None
    settings = _settings(given, name, experiment)
    values = {**(experiment.defaults if experiment else OWN_DEFAULTS), **given, "settings": settings}
    if values.get("pace") == "max":
        values["pace"] = None
    if "lanes" in values:
        values["lanes"] = lanes_of(values["lanes"])
    if "clip" in options:
        values["lanes"] = _with_clip(values.get("lanes", DEFAULT_LANES), options["clip"])
    if "clip_at" in options:
        values["lanes"] = _with_clip_at(values.get("lanes", DEFAULT_LANES), options["clip_at"])
    return _converted(values)


def combine_options(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Options for `from_options` from several sources; each overrides those before it, setting by setting."""
    values, settings = dict[str, Any](), dict[str, Any]()
    for layer in layers:
        own = layer.get("settings", {})
        if not isinstance(own, Mapping):
            raise BadInput(_NO_TABLE)
        # One source may name a setting by itself, and another one in the table.
        values = {key: value for key, value in values.items() if key in KEYS or key not in own}
        settings = {key: value for key, value in settings.items() if key in KEYS or key not in layer}
        values |= {key: value for key, value in layer.items() if key != "settings"}
        settings |= own
    return {**values, "settings": settings} if settings else values


def _settings(given: dict[str, Any], name: Any, experiment: BuiltIn | None) -> dict[str, Any]:
    """The settings of the experiment, which are taken out of `given`. Raises BadInput for an unknown name."""
    table = given.pop("settings", {})
    if not isinstance(table, Mapping):
        raise BadInput(_NO_TABLE)
    names = experiment.setting_names if experiment else ()
    settings = {key: given.pop(key) for key in names if key in given}
    for key in given:
        if key not in KEYS:
            raise _unknown_setting(key, name, experiment)
    if twice := settings.keys() & table.keys():
        raise BadInput(f"{_option(min(twice))} is given twice, by itself and among the settings: give it once")
    settings |= table
    if experiment is None:
        return settings
    require_known_settings(settings, experiment)
    return complete_settings(settings, experiment)


def _unknown_setting(key: str, name: Any, experiment: BuiltIn | None) -> BadInput:
    owners = [each.info.name for each in BUILT_IN.values() if key in each.setting_names]
    if owners and experiment:
        return no_such_setting(key, experiment)
    if owners:
        return BadInput(f"{_option(key)} is a setting of {' and '.join(owners)}; for {name}, write --set {key}=VALUE")
    names = experiment.setting_names if experiment else ()
    return BadInput(f"unknown setting {key!r}{nearest(key, (*KEYS, *names, 'clip', 'clip_at'))}")


def with_settings(config: RunConfig, /, **settings: Value) -> RunConfig:
    """The run with these settings of its experiment changed, of which one may be called `config`. Raises BadInput."""
    return msgspec.structs.replace(config, settings={**config.settings, **settings})


def with_dataset(config: RunConfig, name: str) -> RunConfig:
    """The run on the data set that was used, if its experiment can select one: `auto` is resolved."""
    selects = config.experiment in BUILT_IN and "dataset" in config.settings
    return with_settings(config, dataset=name) if selects else config


def read_toml(path: Path) -> dict[str, Any]:
    """The settings of a TOML file, not yet validated. Raises BadInput if the file cannot be read or is not TOML."""
    try:
        content = path.read_bytes()
        # Windows editors and shells write a byte order mark; PowerShell writes UTF-16.
        encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
        return tomllib.loads(content.decode(encoding))
    except OSError as error:
        raise BadInput(f"config file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"config file {path}: not TOML: {error}") from error


def to_toml(config: RunConfig) -> str:
    """The settings as TOML. `from_options(read_toml(...))` gives the same config back."""
    values = {key: value for key, value in msgspec.to_builtins(config).items() if value is not None}
    values["pace"] = "max" if config.pace is None else config.pace
    values["lanes"] = lanes_table(config.lanes)
    return tomli_w.dumps(values)


def _with_clip(lanes: tuple[LaneConfig, ...], rule: Any) -> tuple[LaneConfig, ...]:
    if not isinstance(rule, str):
        raise BadInput(f'clip {rule!r}: write a rule in quotes, like "value:0.001"')
    if all(lane.name != _CLIPPED for lane in lanes):
        raise BadInput(f"clip sets the rule of the lane named {_CLIPPED}, but no lane has that name")
    replace = msgspec.structs.replace
    return tuple(replace(lane, rule=str(parse_rule(rule))) if lane.name == _CLIPPED else lane for lane in lanes)


def _with_clip_at(lanes: tuple[LaneConfig, ...], given: Any) -> tuple[LaneConfig, ...]:
    """The lanes with the rules that replace theirs later: a table, or pairs, of steps and `[NAME=]RULE`."""
    pairs = list(given.items()) if isinstance(given, Mapping) else given
    if not isinstance(pairs, list) or not all(isinstance(rule, str) for _, rule in pairs):
        raise BadInput('clip-at: write a table of STEP = "RULE" or STEP = "NAME=RULE"')
    later: dict[str, list[tuple[Any, str]]] = {lane.name: [] for lane in lanes}
    for step, text in pairs:
        # An option's value that begins with a dash has a space before it.
        name, equals, rule = text.strip().rpartition("=")
        name = name if equals else _CLIPPED
        if name not in later:
            raise BadInput(
                f"clip-at {step} {text.strip()}: no lane is named {name!r}, there are {', '.join(later)};"
                " write STEP NAME=RULE"
            )
        later[name].append((step, rule))
    return tuple(with_later_rules(lane, later[lane.name]) for lane in lanes)


def _converted(values: dict[str, Any]) -> RunConfig:
    for key, choices in _CHOICES.items():
        if isinstance(values.get(key), str):
            _known(key, values[key], choices)
    for key, value in values.items():
        try:
            if key != "lanes":
                values[key] = msgspec.convert(value, _KINDS[key])
        except msgspec.ValidationError as error:
            raise BadInput(f"{_option(key)} {value!r}: {str(error).replace('`', '')}") from None
    return RunConfig(**values)


def _is_unicode(value: object) -> bool:
    """Whether it is not a text that JSON and TOML, in which runs are recorded, cannot hold."""
    return not isinstance(value, str) or value.encode(errors="replace").decode() == value


def _known(key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BadInput(f"unknown {key} {value!r}{nearest(value, choices)}; select one of {', '.join(choices)}")


def _require(holds: bool, key: str, value: object, what: str) -> None:
    if not holds:
        raise BadInput(f"{_option(key)} {value}: {what}")


def _option(key: str) -> str:
    return key.replace("_", "-")

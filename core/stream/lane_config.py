"""The settings of one lane: its rule, and what it has of its own beside the settings of the run.

On the command line a lane is `NAME=RULE`, followed by its own settings: `fast=norm:1,lr=0.01,optimizer=sgd`. In TOML it
is the same text after the name, or a table:

    [lanes.fast]
    rule = "norm:1"
    learning_rate = 0.01
    clip_at = { 1000 = "norm:5" }
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import msgspec

from ..errors import BadInput
from .experiment_settings import nearest
from .limits import MOST
from .rules import parse_rule, recorded_rule

Optimizer = Literal["adam", "sgd", "sgd-momentum"]
OPTIMIZERS = ("adam", "sgd", "sgd-momentum")
RATE_RANGE, BETA1_RANGE = "must be a finite number above 0", "must be at least 0 and below 1"
# Settings of the run that a lane may have of its own.
OWN_SETTINGS = ("learning_rate", "optimizer", "beta1")
_SHORT = {"lr": "learning_rate"}
_LANE_NAME = re.compile(r"[\w.+-]{1,24}")


def is_lane_name(text: str) -> bool:
    """Whether a lane can have this name, which is also the name of a folder."""
    return _LANE_NAME.fullmatch(text) is not None


def require_lane_name(text: str) -> None:
    """Raise BadInput if no lane can have this name."""
    if not is_lane_name(text):
        raise BadInput(f"lane name {text!r}: 1 to 24 letters, digits or . + - _")


def require_rate(rate: float) -> None:
    """Raise BadInput if this is no learning rate."""
    if not (math.isfinite(rate) and rate > 0):
        raise BadInput(f"learning-rate {rate}: {RATE_RANGE}")


class LaneConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """A lane's name and its clip rule as text. A rule that another version recorded is kept as it is.

    `learning_rate`, `optimizer` and `beta1` are None where the lane has those of the run. `clip_at`: the rules that
    replace its rule later, each by the step from which it holds.
    """

    name: str
    rule: str
    learning_rate: float | None = None
    optimizer: Optimizer | None = None
    beta1: float | None = None
    clip_at: dict[int, str] = {}

    def __post_init__(self) -> None:
        require_lane_name(self.name)
        if self.learning_rate is not None:
            require_rate(self.learning_rate)
        if self.beta1 is not None and not 0 <= self.beta1 < 1:
            raise BadInput(f"beta1 {self.beta1}: {BETA1_RANGE}")
        for step in self.clip_at:
            if not 1 <= step <= MOST:
                raise BadInput(f"clip-at {step}: a step from 1 to 10^15")
        # The canonical spelling makes equal rules compare equal.
        msgspec.structs.force_setattr(self, "rule", str(recorded_rule(self.rule)))
        later = {step: str(recorded_rule(self.clip_at[step])) for step in sorted(self.clip_at)}
        msgspec.structs.force_setattr(self, "clip_at", later)

    @property
    def own_settings(self) -> dict[str, Any]:
        """The settings of the run that this lane has of its own, by name."""
        return {name: value for name in OWN_SETTINGS if (value := getattr(self, name)) is not None}

    @property
    def text(self) -> str:
        """The rule and the lane's own settings, as `--lane` takes them after the name."""
        short = {name: alias for alias, name in _SHORT.items()}
        own = (f",{short.get(name, name)}={value}" for name, value in self.own_settings.items())
        return self.rule + "".join(own)

    @property
    def toml_value(self) -> str | dict[str, Any]:
        """What a TOML file says of the lane under its name: its rule, or a table if there is more to say."""
        later = {"clip_at": {str(step): rule for step, rule in self.clip_at.items()}} if self.clip_at else {}
        more = {**self.own_settings, **later}
        return {"rule": self.rule, **more} if more else self.rule


def lanes_of(lanes: Any) -> tuple[LaneConfig, ...]:
    """Lanes from a table of names to texts or tables. Raises BadInput."""
    if isinstance(lanes, tuple):
        return lanes
    if not isinstance(lanes, dict) or not all(isinstance(value, str | dict) for value in lanes.values()):
        raise BadInput('lanes: write a table of NAME = "RULE", or of NAME = {rule = "RULE", lr = X}')
    return tuple(
        read_lane(name, value) if isinstance(value, str) else _lane_of_table(name, value)
        for name, value in lanes.items()
    )


def lanes_table(lanes: Iterable[LaneConfig]) -> dict[str, str | dict[str, Any]]:
    """What a TOML file says of the lanes: `lanes_of` makes the same lanes of it."""
    table = {lane.name: lane.toml_value for lane in lanes}
    if any(isinstance(value, dict) for value in table.values()):
        # TOML has all texts before all tables, and lanes have an order.
        return {name: {"rule": value} if isinstance(value, str) else value for name, value in table.items()}
    return table


def read_lane(name: str, text: str) -> LaneConfig:
    """A lane from its name and `RULE[,lr=X][,optimizer=NAME][,beta1=X]`. Raises BadInput, which names the lane."""
    rule, *parts = text.split(",")
    pairs = list[tuple[str, str]]()
    for part in parts:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise BadInput(f"lane {name}: {part!r} is not a setting; write NAME=VALUE, like lr=0.01")
        pairs.append((key, value))
    return _lane(name, rule, pairs, {})


def require_fork(lane: LaneConfig, taken: Collection[str]) -> None:
    """Raise BadInput, which names the lane, if no fork can be this lane. `taken`: the names of the other lanes."""
    if lane.name in taken:
        raise BadInput(f"lane {lane.name}: there is a lane of this name already; use another name")
    if lane.own_settings.keys() - {"learning_rate"}:
        raise BadInput(f"lane {lane.name}: a fork keeps its parent's optimizer; only rule and lr can differ")


def _lane_of_table(name: str, table: Mapping[str, Any]) -> LaneConfig:
    later = table.get("clip_at", {})
    if not isinstance(table.get("rule"), str):
        raise BadInput(f'lane {name}: write its rule, like rule = "norm:1"')
    if not isinstance(later, Mapping) or not all(isinstance(rule, str) for rule in later.values()):
        raise BadInput(f'lane {name}: clip_at: write a table of STEP = "RULE"')
    settings = [(key, value) for key, value in table.items() if key not in ("rule", "clip_at")]
    return _lane(name, table["rule"], settings, later)


def _lane(name: str, rule: str, settings: Iterable[tuple[str, Any]], later: Mapping[Any, str]) -> LaneConfig:
    require_lane_name(name)
    own: dict[str, Any] = {}
    for key, value in settings:
        known = _known_name(name, key)
        if known in own:
            raise BadInput(f"lane {name}: {known.replace('_', '-')} is given twice")
        own[known] = _optimizer(name, value) if known == "optimizer" else _number(name, known, value)
    with _naming(name):
        return LaneConfig(name, str(parse_rule(rule)), **own, clip_at=_later(later.items()))


def with_later_rules(lane: LaneConfig, pairs: Iterable[tuple[Any, str]]) -> LaneConfig:
    """The lane with further rules in `clip_at`, from steps and rules as text. Raises BadInput, which names the lane."""
    with _naming(lane.name):
        return msgspec.structs.replace(lane, clip_at={**lane.clip_at, **_later(pairs)})


def _later(pairs: Iterable[tuple[Any, str]]) -> dict[int, str]:
    later: dict[int, str] = {}
    for text, rule in pairs:
        step = _step(text)
        if step in later:
            raise BadInput(f"clip-at {step} is given twice")
        later[step] = str(parse_rule(rule))
    return later


@contextmanager
def _naming(lane: str) -> Iterator[None]:
    """Begin the message of a BadInput with the name of a lane."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"lane {lane}: {error}") from None


def _known_name(lane: str, key: str) -> str:
    key = key.replace("-", "_")
    full = _SHORT.get(key, key)
    if full not in OWN_SETTINGS:
        names = (*_SHORT, *OWN_SETTINGS)
        raise BadInput(
            f"lane {lane}: no setting {key!r} of a lane{nearest(key, names)}; a lane can have its own lr, optimizer"
            " and beta1"
        )
    return full


def _optimizer(lane: str, value: Any) -> str:
    if value not in OPTIMIZERS:
        suggestion = nearest(str(value), OPTIMIZERS)
        raise BadInput(f"lane {lane}: unknown optimizer {value!r}{suggestion}; select one of {', '.join(OPTIMIZERS)}")
    return value


def _number(lane: str, key: str, value: Any) -> float:
    try:
        if not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise BadInput(f"lane {lane}: {key.replace('_', '-')} {value!r}: not a number")


def _step(text: Any) -> int:
    try:
        return int(str(text))
    except ValueError:
        raise BadInput(f"clip-at {text!r}: not a step") from None

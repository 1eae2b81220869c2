"""The options of `clipwatch sweep`, most of which can be repeated, and the configuration that they describe."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ...core.data.offline import is_offline
from ...core.errors import BadInput
from ...core.stream.builtin_experiments import BUILT_IN
from ...core.stream.config import DEFAULT_LANES, KEYS, combine_options, from_options
from ...core.stream.sweep_config import NO_AXIS, SEEDS, WITHOUT_EFFECT, SweepConfig, sweep_config
from .experiment_settings import require_own_settings, with_found_experiment
from .options import (
    BACKEND,
    CHARTS,
    CLIP,
    CLIP_AT,
    CONFIG,
    DATA,
    EXPERIMENT,
    LANE,
    OUTPUT,
    PRINT_CONFIG,
    RUN_ONLY,
    SEED,
    SET,
    SHOW_DIAGNOSTICS,
    TRAINING,
    Group,
    clip_rule,
    flag,
    integer,
    option,
)
from .parser import RULES_HELP
from .settings import ConfigFile, option_settings

# The settings of built-in experiments may stand in a file by themselves.
_BUILT_IN_SETTINGS = tuple(name for each in BUILT_IN.values() for name in each.setting_names)
# What a run prints or shows and a sweep does not.
_NOT_OF_A_SWEEP = (SHOW_DIAGNOSTICS, CHARTS)
# Settings that have one value in a sweep.
_SHARED = {*NO_AXIS, "eval_size", "dataset"}
DEFAULT_RULES = tuple(lane.rule for lane in DEFAULT_LANES)


_CLIP = replace(
    CLIP.repeatable(type=clip_rule("clipwatch sweep --clip none --clip value:0.001")),
    help=f"clip rule; repeat it for each rule to compare (default: {' and '.join(DEFAULT_RULES)})",
)
_SEED = replace(SEED.repeatable(), help="first seed (default: 0); repeat it to list the seeds one by one")
_AXES = tuple(each.repeatable() for each in TRAINING if each.setting not in _SHARED)
SWEEP_GROUPS = (
    Group(
        "sweep",
        (
            option("--seeds", metavar="N", type=integer, help=f"number of seeds (default: {SEEDS})"),
            _SEED,
            flag("--yes", help="start even if it will take more than an hour"),
            *BACKEND,
        ),
    ),
    Group(
        "settings to compare; repeat an option to train with each of its values",
        (_CLIP, replace(SET, help=f"{SET.help}, or to compare values of one"), *_AXES),
    ),
    Group(
        "settings that all trainings share",
        (
            EXPERIMENT.repeatable(),
            *(each.repeatable() for each in (*DATA, *TRAINING) if each.setting in _SHARED and each is not SEED),
            replace(CONFIG.repeatable(), help="read settings from a TOML file; the values of a list are compared"),
        ),
    ),
    Group("output", tuple(each for each in OUTPUT if each not in _NOT_OF_A_SWEEP)),
)
EPILOG = f"""\
example:
  clipwatch sweep --seeds 64 --clip none --clip norm:1 --head relu --head linear

{RULES_HELP}"""


def no_effect(name: str) -> BadInput:
    """The error for an option or setting that has no effect in a sweep."""
    return BadInput(f"{name} has no effect in a sweep; leave it out")


# The options of a run that a sweep does not have, with the error message for each.
UNSUPPORTED = {
    **{each.names[0]: str(no_effect(each.names[0])) for each in (*RUN_ONLY, *_NOT_OF_A_SWEEP)},
    LANE.names[0]: "a sweep has no lanes; repeat --clip for each rule",
    CLIP_AT.names[0]: "a sweep trains by one rule from start to end; leave --clip-at out",
    PRINT_CONFIG.names[0]: "--print-config works only for runs; a sweep writes its settings to its folder",
}


def sweep_from_options(args: argparse.Namespace) -> SweepConfig:
    """The sweep that the command line and its config file describe; BadInput if they are not valid."""
    from_file, options = _file_settings(args.config or []), option_settings(args)
    if args.seeds is not None:
        options["seeds"] = args.seeds
    values = with_found_experiment(_unlisted(combine_options({"seeds": SEEDS}, from_file, options)))
    require_own_settings(values)
    seed_list = values.pop("seed") if isinstance(values.get("seed"), list) else []
    if seed_list and ("seeds" in options or ("seeds" in from_file and "seed" not in options)):
        raise BadInput("seeds: --seeds and repeated --seed cannot be combined; use one of them")
    seeds, rules = values.pop("seeds"), values.pop("clip", None)
    if not isinstance(seeds, int) or isinstance(seeds, bool):
        raise BadInput(f"seeds {seeds!r}: write a whole number")
    # Refuses an unknown setting that has several values, too.
    lanes = from_options(_first_values(values)).lanes
    rules = [lane.rule for lane in lanes] if rules is None else rules
    axes, single = _split(values)
    run = from_options(single)
    run = msgspec.structs.replace(run, offline=is_offline(run.offline))
    return sweep_config(run, {"clip": rules if isinstance(rules, list) else [rules], **axes}, seeds, seed_list)


def _unlisted(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the value itself in place of a list of one. Raises BadInput for an empty list."""
    found = dict[str, Any]()
    for key, value in values.items():
        if value == []:
            raise BadInput(f"axis {key.replace('_', '-')}: no values")
        if isinstance(value, Mapping):
            value = _unlisted(value)
        found[key] = value[0] if isinstance(value, list) and len(value) == 1 else value
    return found


def _first_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The first value of each setting."""
    return {
        key: _first_values(value) if isinstance(value, Mapping) else value[0] if isinstance(value, list) else value
        for key, value in values.items()
    }


def _split(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings with several values, those of the experiment among them; and the others."""
    table = values.get("settings", {})
    own = {key: value for key, value in table.items() if isinstance(value, list)}
    for key in own:
        if key in (*KEYS, "clip"):
            raise BadInput(f"--set {key}: a setting of every run has that name too, so it takes one value in a sweep")
    plain = {key: value for key, value in values.items() if key != "settings"}
    axes = {key: value for key, value in plain.items() if isinstance(value, list)}
    single = {key: value for key, value in plain.items() if key not in axes}
    settings = {key: value for key, value in table.items() if key not in own}
    return {**axes, **own}, {**single, "settings": settings}


def _file_settings(files: list[ConfigFile]) -> dict[str, Any]:
    """The settings of the config file; BadInput if there are several files."""
    if len(files) > 1:
        raise BadInput("--config: only one file is allowed")
    return {key: value for file in files for key, value in file.values.items() if _is_setting(key, file.name)}


def _is_setting(key: str, file: str) -> bool:
    """True for a setting of a sweep, False for [keys], which a sweep ignores; BadInput for any other."""
    if key == "keys":
        return False
    if key not in (*KEYS, *_BUILT_IN_SETTINGS, "clip", "clip_at", "seeds"):
        raise BadInput(f"config file {file}: unknown setting {key!r}")
    if key in ("lanes", "clip_at"):
        raise BadInput(f"config file {file}: {UNSUPPORTED['--lane' if key == 'lanes' else '--clip-at']}")
    if key in WITHOUT_EFFECT:
        raise no_effect(f"config file {file}: {key}")
    return True

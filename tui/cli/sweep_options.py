"""The options of `clipwatch sweep`, most of which can be repeated, and the configuration that they describe."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import msgspec

from ...core.data.offline import is_offline
from ...core.errors import BadInput
from ...core.stream.builtin_experiments import LENET
from ...core.stream.config import KEYS, from_options
from ...core.stream.sweep_config import NO_AXIS, SEEDS, WITHOUT_EFFECT, SweepConfig, sweep_config
from .options import (
    BACKEND,
    CHARTS,
    CLIP,
    CONFIG,
    DATA,
    LANE,
    OUTPUT,
    PRINT_CONFIG,
    RUN_ONLY,
    SEED,
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

DEFAULT_RULES = ("none", "value:0.001")
# What a run prints or shows and a sweep does not.
_NOT_OF_A_SWEEP = (SHOW_DIAGNOSTICS, CHARTS)
# Settings that have one value in a sweep.
_SHARED = {*NO_AXIS, "eval_size", "dataset"}

_CLIP = replace(
    CLIP.repeatable(type=clip_rule("clipwatch sweep --clip none --clip value:0.001")),
    help=f"clip rule; repeat it for each rule to compare (default: {' and '.join(DEFAULT_RULES)})",
)
_SEED = replace(SEED.repeatable(), help="first seed (default: 0); repeat it to list the seeds one by one")
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
        (_CLIP, *(each.repeatable() for each in TRAINING if each.setting not in _SHARED)),
    ),
    Group(
        "settings that all trainings share",
        (
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
    PRINT_CONFIG.names[0]: "--print-config works only for runs; a sweep writes its settings to its folder",
}


def sweep_from_options(args: argparse.Namespace) -> SweepConfig:
    """The sweep that the command line and its config file describe; BadInput if they are not valid."""
    from_file, options = _file_settings(args.config or []), option_settings(args)
    if args.seeds is not None:
        options["seeds"] = args.seeds
    values = {"seeds": SEEDS, "clip": list(DEFAULT_RULES), **from_file, **options}
    seed_list = values.pop("seed") if _is_list(values.get("seed")) else []
    if seed_list and ("seeds" in options or ("seeds" in from_file and "seed" not in options)):
        raise BadInput("seeds: --seeds and repeated --seed cannot be combined; use one of them")
    seeds, rules = values.pop("seeds"), values.pop("clip")
    if not isinstance(seeds, int) or isinstance(seeds, bool):
        raise BadInput(f"seeds {seeds!r}: write a whole number")
    axes = {"clip": rules if isinstance(rules, list) else [rules]}
    axes.update({key: value for key, value in values.items() if _is_list(value)})
    run = from_options({key: _single_value(value) for key, value in values.items() if key not in axes})
    run = msgspec.structs.replace(run, offline=is_offline(run.offline))
    return sweep_config(run, axes, seeds, seed_list)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1


def _single_value(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _file_settings(files: list[ConfigFile]) -> dict[str, Any]:
    """The settings of the config file; BadInput if there are several files."""
    if len(files) > 1:
        raise BadInput("--config: only one file is allowed")
    return {key: value for file in files for key, value in file.values.items() if _is_setting(key, value, file.name)}


def _is_setting(key: str, value: object, file: str) -> bool:
    """True for a setting of a sweep, False for [keys], which a sweep ignores; BadInput for any other."""
    if key == "keys":
        return False
    if key not in (*KEYS, *LENET.setting_names, "clip", "seeds"):
        raise BadInput(f"config file {file}: unknown setting {key!r}")
    if key == "lanes":
        raise BadInput(f"config file {file}: {UNSUPPORTED['--lane']}")
    if key in WITHOUT_EFFECT:
        raise no_effect(f"config file {file}: {key}")
    if value == []:
        raise BadInput(f"axis {key.replace('_', '-')}: no values")
    return True

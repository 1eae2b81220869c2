"""The options of `clipwatch sweep`: those of a run, most of which may be repeated, and the sweep that they describe."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import msgspec

from ...core.data.offline import is_offline
from ...core.errors import BadInput
from ...core.stream.config import KEYS, from_options
from ...core.stream.sweep_config import NO_AXIS, WITHOUT_EFFECT, SweepConfig, sweep_config
from .options import (
    CLIP,
    CONFIG,
    DATA,
    LANE,
    LEARNING,
    OUTPUT,
    PRINT_CONFIG,
    SEED,
    SHOW_DIAGNOSTICS,
    WATCHING,
    WORKPLACE,
    Group,
    clip_rule,
    flag,
    integer,
    option,
)
from .parser import RULES_HELP
from .settings import ConfigFile, option_settings

DEFAULT_RULES = ("none", "value:0.001")
DEFAULT_SEEDS = 32
# Settings of which a sweep has one value.
_SHARED = {*NO_AXIS, "eval_size"}

_CLIP = replace(
    CLIP.repeated(type=clip_rule("clipwatch sweep --clip none --clip value:0.001")),
    help=f"a clip rule; repeat it for each rule to compare (default: {' and '.join(DEFAULT_RULES)})",
)
_SEED = replace(SEED.repeated(), help="first seed (default: 0); repeat it to name every seed")
SWEEP_GROUPS = (
    Group(
        "sweep",
        (
            option("--seeds", metavar="N", type=integer, help=f"how many seeds (default: {DEFAULT_SEEDS})"),
            _SEED,
            flag("--yes", help="start even if it will take more than an hour"),
            *WORKPLACE,
        ),
    ),
    Group(
        "settings to compare; repeat an option to train with each of its values",
        (_CLIP, *(each.repeated() for each in LEARNING if each.setting not in _SHARED)),
    ),
    Group(
        "settings that all trainings share",
        (
            *(each.repeated() for each in (*DATA, *LEARNING) if each.setting in _SHARED and each is not SEED),
            replace(CONFIG.repeated(), help="read settings from a TOML file, lists to compare"),
        ),
    ),
    Group("output", tuple(each for each in OUTPUT if each is not SHOW_DIAGNOSTICS)),
)
EPILOG = f"""\
example:
  clipwatch sweep --seeds 64 --clip none --clip norm:1 --head relu --head linear

{RULES_HELP}"""


def no_effect(name: str) -> BadInput:
    """What is raised for an option or setting that has no effect in a sweep."""
    return BadInput(f"{name} has no effect in a sweep: leave it out")


# Options of a run that a sweep does not take, and what it says of them.
REFUSED = {
    **{each.names[0]: str(no_effect(each.names[0])) for each in (*WATCHING, SHOW_DIAGNOSTICS)},
    LANE.names[0]: "a sweep has no lanes: give --clip for each rule",
    PRINT_CONFIG.names[0]: "--print-config is for runs: a sweep writes its settings into its folder",
}


def describe_sweep(args: argparse.Namespace) -> SweepConfig:
    """The sweep that the command line and its config file describe; BadInput if there is none."""
    in_file, options = _file_settings(args.config or []), option_settings(args)
    if args.seeds is not None:
        options["seeds"] = args.seeds
    values = {"seeds": DEFAULT_SEEDS, "clip": list(DEFAULT_RULES), **in_file, **options}
    selected = values.pop("seed") if _is_several(values.get("seed")) else []
    if selected and ("seeds" in options or ("seeds" in in_file and "seed" not in options)):
        raise BadInput("seeds: give --seeds N, or --seed for each, not both")
    seeds, rules = values.pop("seeds"), values.pop("clip")
    if not isinstance(seeds, int) or isinstance(seeds, bool):
        raise BadInput(f"seeds {seeds!r}: write a whole number")
    axes = {"clip": rules if isinstance(rules, list) else [rules]}
    axes.update({key: value for key, value in values.items() if _is_several(value)})
    run = from_options({key: _only(value) for key, value in values.items() if key not in axes})
    run = msgspec.structs.replace(run, offline=is_offline(run.offline))
    return sweep_config(run, axes, seeds, selected)


def _is_several(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _file_settings(files: list[ConfigFile]) -> dict[str, Any]:
    """The settings of the config file, which may be given once."""
    if len(files) > 1:
        raise BadInput("--config: give one file")
    return {key: value for file in files for key, value in file.values.items() if _is_setting(key, value, file.name)}


def _is_setting(key: str, value: object, file: str) -> bool:
    """Whether a sweep reads it, which it does not do with [keys]; BadInput if it cannot have it."""
    if key == "keys":
        return False
    if key not in (*KEYS, "clip", "seeds"):
        raise BadInput(f"config file {file}: unknown setting {key!r}")
    if key == "lanes":
        raise BadInput(f"config file {file}: {REFUSED['--lane']}")
    if key in WITHOUT_EFFECT:
        raise no_effect(f"config file {file}: {key}")
    if value == []:
        raise BadInput(f"axis {key.replace('_', '-')}: no values")
    return True

"""The options of `clipwatch sweep`: those of a run, each of which makes an axis when it is given more than once."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from ...core.data.offline import is_offline
from ...core.errors import BadInput
from ...core.stream.config import KEYS, from_options
from ...core.stream.sweep_config import WITHOUT_EFFECT, SweepConfig, sweep_config
from .options import add_data_options, add_output_options, add_training_options, add_workplace_options, integer

DEFAULT_RULES = ["none", "value:0.001"]
DEFAULT_SEEDS = 32
# A run's options that a sweep does not take, by the name that the parser has for them: the help leaves them out.
_WITHOUT_EFFECT = {*WITHOUT_EFFECT, "show_diagnostics"}
_HIDDEN = {*_WITHOUT_EFFECT, "lanes", "print_config"}


def add_sweep_options(parser: argparse.ArgumentParser) -> None:
    """A run's options, to be repeated; and the sweep's own."""
    sweep = parser.add_argument_group("sweep")
    sweep.add_argument("--seeds", metavar="N", type=integer, help=f"how many seeds (default: {DEFAULT_SEEDS})")
    sweep.add_argument("--yes", action="store_true", help="go on even if it will take more than an hour")
    add_workplace_options(sweep)
    output = parser.add_argument_group("output")
    add_output_options(output)
    store = parser._registry_get("action", None)
    # From here on an option may be given again and again, and keeps all its values.
    parser.register("action", None, argparse._AppendAction)
    add_data_options(parser.add_argument_group("data"))
    training = parser.add_argument_group("training; repeat an option to make an axis of it")
    add_training_options(training)
    parser.register("action", None, store)
    actions = [*output._group_actions, *training._group_actions]
    for action in actions:
        if action.dest in _HIDDEN:
            action.help = argparse.SUPPRESS
    parser.set_defaults(without_effect=[action for action in actions if action.dest in _WITHOUT_EFFECT])


def described(given: argparse.Namespace) -> SweepConfig:
    """The sweep that the command line and its config file describe; BadInput if there is none."""
    for action in given.without_effect:
        if getattr(given, action.dest) != action.default:
            raise no_effect(action.option_strings[0])
    values = _file(given)
    counted_and_chosen = "seeds" in values and _is_list(values.get("seed"))
    flags = {key: value for key in (*KEYS, "clip") if (value := getattr(given, key, None)) is not None}
    values.update(flags)
    if values.pop("lanes", None):
        raise BadInput("a sweep has no lanes: give --clip for each rule")
    seeds = given.seeds if given.seeds is not None else values.pop("seeds", DEFAULT_SEEDS)
    values.pop("seeds", None)
    chosen = values["seed"] if _is_list(values.get("seed")) else []
    if chosen:
        if given.seeds is not None or (counted_and_chosen and "seed" not in flags):
            raise BadInput("seeds: give --seeds N, or --seed for each, not both")
        values.pop("seed")
    axes = {key: values.pop(key) for key in list(values) if isinstance(values[key], list) and len(values[key]) != 1}
    rules = axes.pop("clip", None) or values.pop("clip", None) or DEFAULT_RULES
    base = {key: value[0] if isinstance(value, list) else value for key, value in values.items()}
    axes = {"clip": rules if isinstance(rules, list) else [rules], **axes}
    if not isinstance(seeds, int) or isinstance(seeds, bool):
        raise BadInput(f"seeds {seeds!r}: write a whole number")
    run = from_options(base)
    run = msgspec.structs.replace(run, offline=is_offline(run.offline))
    return sweep_config(run, axes, seeds, chosen or [])


def _is_list(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1


def no_effect(name: str) -> BadInput:
    """What is raised for an option or setting that a sweep has no use for."""
    return BadInput(f"{name} has no effect in a sweep: leave it out")


def _file(given: argparse.Namespace) -> dict[str, Any]:
    if not given.config:
        return {}
    if len(given.config) > 1:
        raise BadInput("--config: give one file")
    (file,) = given.config
    values = {key: value for key, value in file.values.items() if key != "keys"}
    for key in values:
        if key not in (*KEYS, "clip", "seeds"):
            raise BadInput(f"config file {file.name}: unknown setting {key!r}")
        if key in WITHOUT_EFFECT:
            raise no_effect(f"config file {file.name}: {key}")
        if values[key] == []:
            raise BadInput(f"axis {key.replace('_', '-')}: no values")
    return values

"""What the options, a config file and the environment describe together."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ...core.data.offline import is_offline
from ...core.errors import BadInput
from ...core.files.paths import user_path
from ...core.stream.config import KEYS, RunConfig, from_options, read_toml

if TYPE_CHECKING:
    from ...core.runs.machine import Machine
    from ..headless.run import Manner


@dataclass(frozen=True)
class ConfigFile:
    """A config file, read while the command line is parsed: a pipe can be read only once."""

    name: str
    values: dict[str, Any]


def read_config_file(text: str) -> ConfigFile:
    """The config file of this name."""
    return ConfigFile(text, read_toml(user_path(text)))


def option_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that the options give, by name."""
    return {key: value for key in (*KEYS, "clip") if (value := getattr(args, key, None)) is not None}


def run_config(args: argparse.Namespace, environment: Mapping[str, str] = os.environ, **defaults: object) -> RunConfig:
    """The run: options override the config file, which overrides defaults; offline if the environment says so, too."""
    options = option_settings(args)
    from_file = {} if args.config is None else dict(args.config.values)
    from_file.pop("keys", None)
    if "lanes" in options:
        options["lanes"] = _lanes(options["lanes"])
        # Lanes given as options replace the file's, its rule for the clipped one included.
        from_file.pop("clip", None)
    config = from_options({**defaults, **from_file, **options})
    return msgspec.structs.replace(config, offline=is_offline(config.offline, environment))


def _lanes(pairs: list[str]) -> dict[str, str]:
    lanes: dict[str, str] = {}
    for pair in pairs:
        name, equals, rule = pair.partition("=")
        if not equals:
            raise BadInput(f"--lane {pair!r}: write NAME=RULE, like mild=value:0.01")
        if name in lanes:
            raise BadInput(f"--lane {pair!r}: there is a lane {name!r} already")
        lanes[name] = rule
    return lanes


def key_settings(args: argparse.Namespace) -> dict[str, str]:
    """The config file's [keys]: ids of keys and what to press for them."""
    keys = args.config.values.get("keys", {}) if args.config else {}
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise BadInput('keys: write a table of ID = "KEY"')
    return keys


def machine(args: argparse.Namespace) -> Machine:
    """Where a recorded run is trained again."""
    from ...core.runs.machine import Machine

    return Machine(
        data_dir=Path(args.data_dir) if args.data_dir else None, device=args.device, offline=bool(args.offline)
    )


def wants_screen(args: argparse.Namespace) -> bool:
    """Whether no option asks for a headless run."""
    return not (args.no_ui or args.json or args.control)


def headless_manner(args: argparse.Namespace) -> Manner:
    """How a headless run prints, listens and records."""
    from ..headless.run import Manner

    return Manner(
        json=args.json,
        control=args.control,
        quiet=args.quiet,
        diagnostics=args.show_diagnostics,
        record_in=record_in(args),
        tensorboard=args.tensorboard,
    )


def record_in(args: argparse.Namespace) -> Path | None:
    """The folder of runs to record in, None for nowhere."""
    from ...core.runs.folder import runs_folder

    return None if args.no_record else runs_folder(args.runs_dir)

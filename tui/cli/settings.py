"""Settings from the options, the config file and the environment together."""

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
from ...core.stream.builtin_experiments import LENET
from ...core.stream.config import KEYS, RunConfig, combine_options, from_options, read_toml
from ..text.messages import tell
from .experiment_settings import require_own_settings, set_values, single_values, with_found_experiment

if TYPE_CHECKING:
    from ...core.runs.machine import Machine
    from ..engine_child.request import ScreenOptions
    from ..headless.run import HeadlessOptions


@dataclass(frozen=True)
class ConfigFile:
    """A config file. It is read while the command line is parsed, because a pipe can be read only once."""

    name: str
    values: dict[str, Any]


def read_config_file(text: str) -> ConfigFile:
    """Read the config file of this name."""
    return ConfigFile(text, read_toml(user_path(text)))


def option_settings(args: argparse.Namespace) -> dict[str, Any]:
    """The settings that are set by options, by name. `settings` holds lists of values."""
    names = (*KEYS, *LENET.setting_names, "clip", "clip_at")
    options = {name: value for name in names if (value := getattr(args, name, None)) is not None}
    return {**options, "settings": set_values(options["settings"])} if "settings" in options else options


def run_config(args: argparse.Namespace, environment: Mapping[str, str] = os.environ, **defaults: object) -> RunConfig:
    """The configuration of a run: options override the config file, which overrides `defaults`.

    The environment can also make the run offline.
    """
    options = option_settings(args)
    from_file = {} if args.config is None else dict(args.config.values)
    from_file.pop("keys", None)
    if "lanes" in options:
        options["lanes"] = lane_texts(options["lanes"])
        # Lanes from options replace those of the file, including its `clip` rules.
        from_file.pop("clip", None)
        from_file.pop("clip_at", None)
    if "settings" in options:
        options["settings"] = single_values(options["settings"])
    values = with_found_experiment(combine_options(defaults, from_file, options))
    require_own_settings(values)
    config = from_options(values)
    return msgspec.structs.replace(config, offline=is_offline(config.offline, environment))


def lane_texts(pairs: list[str]) -> dict[str, str]:
    """The texts of `--lane` options by name. Raises BadInput."""
    lanes: dict[str, str] = {}
    for pair in pairs:
        name, equals, rule = pair.partition("=")
        if not equals:
            raise BadInput(f"--lane {pair!r}: write NAME=RULE, such as mild=value:0.01")
        if name in lanes:
            raise BadInput(f"--lane {pair!r}: another lane is named {name!r}; use different names")
        lanes[name] = rule
    return lanes


def key_settings(args: argparse.Namespace) -> dict[str, str]:
    """The config file's [keys]: the ids of actions and the keys for them."""
    keys = args.config.values.get("keys", {}) if args.config else {}
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise BadInput('keys: write a table of ID = "KEY"')
    return keys


def warn_of_settings(args: argparse.Namespace) -> None:
    """Warn of settings in the config file that do not apply to a recorded run."""
    if args.config and (others := sorted(args.config.values.keys() - {"keys"})):
        tell(f"{args.config.name}: only [keys] applies to a recorded run; ignored: {', '.join(others)}")


def screen_options(args: argparse.Namespace) -> ScreenOptions:
    """How the command line wants a run to be shown."""
    from ..engine_child.request import ScreenOptions
    from ..view.keymap import keymap

    keys = keymap(key_settings(args))
    return ScreenOptions(keymap=keys, charts=args.charts, quit_when_done=args.quit_when_done)


def machine(args: argparse.Namespace) -> Machine:
    """The machine settings for a recorded run."""
    from ...core.runs.machine import Machine

    return Machine(
        data_dir=Path(args.data_dir) if args.data_dir else None, device=args.device, offline=bool(args.offline)
    )


def uses_screen(args: argparse.Namespace) -> bool:
    """Whether to open the screen: no option makes the run headless."""
    return not (args.no_ui or args.json or args.control)


def headless_options(args: argparse.Namespace) -> HeadlessOptions:
    """The options of a headless run."""
    from ..headless.run import HeadlessOptions

    return HeadlessOptions(
        json=args.json,
        control=args.control,
        quiet=args.quiet,
        diagnostics=args.show_diagnostics,
        record_in=record_in(args),
        tensorboard=args.tensorboard,
    )


def record_in(args: argparse.Namespace) -> Path | None:
    """The folder of runs to record in, None if the run is not recorded."""
    from ...core.runs.folder import runs_folder

    return None if args.no_record else runs_folder(args.runs_dir)

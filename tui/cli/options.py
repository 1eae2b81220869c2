"""The command line's options, and the run they describe together with a config file and the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from ...core.data.offline import is_offline
from ...core.errors import BadInput
from ...core.files.paths import user_path
from ...core.stream.config import DATASETS, HEADS, NONFINITE, OPTIMIZERS, RunConfig, from_options, read_toml
from ...core.stream.rules import EXAMPLES
from ..text.messages import tell

if TYPE_CHECKING:
    from ...core.runs.machine import Machine

DESCRIPTION = "Train LeNet twice at once, with and without gradient clipping, and watch what the clipping does."


@dataclass(frozen=True)
class ConfigFile:
    """A config file as it was when the command line was parsed: a pipe can be read only once."""

    name: str
    values: dict[str, Any]


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        tell(f"{message}; see {self.prog} --help")
        raise SystemExit(2)


class _Version(argparse.Action):
    """Looks the version up only when it is asked for, which takes 20 ms."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata

        print(f"clipwatch {metadata.version('clipwatch')}")
        parser.exit()


def parse(arguments: list[str], commands: Iterable[str] = ()) -> argparse.Namespace:
    """Parse a command line; what the user gave of a run is in `options`, by setting name.

    `commands` are those that stand first on other command lines, for the help.
    """
    given = _parser(" | ".join(commands)).parse_args(arguments)
    skipped = {
        "config",
        "print_config",
        "no_ui",
        "json",
        "control",
        "quiet",
        "show_diagnostics",
        "debug",
        "engine_command",
        "quit_when_done",
        "web",
        "web_origins",
        "runs_dir",
        "no_record",
        "tensorboard",
    }
    given.options = {key: value for key, value in vars(given).items() if value is not None and key not in skipped}
    return given


def run_config(given: argparse.Namespace, environment: Mapping[str, str] = os.environ, **defaults: object) -> RunConfig:
    """The run: defaults, under the config file, under the flags; offline if the environment says so, too."""
    flags: dict[str, Any] = dict(given.options)
    if "lanes" in flags:
        flags["lanes"] = _lanes(flags["lanes"])
    from_file = {} if given.config is None else dict(given.config.values)
    from_file.pop("keys", None)
    if "lanes" in flags:
        # Lanes given by flag replace the file's, its rule for the clipped one included.
        from_file.pop("clip", None)
    config = from_options({**defaults, **from_file, **flags})
    return msgspec.structs.replace(config, offline=is_offline(config.offline, environment))


def key_settings(given: argparse.Namespace) -> dict[str, str]:
    """The config file's [keys]: ids of keys and what to press for them."""
    keys = given.config.values.get("keys", {}) if given.config else {}
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise BadInput('keys: write a table of ID = "KEY"')
    return keys


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


def _parser(commands: str) -> Parser:
    parser = Parser(
        prog="clipwatch",
        description=DESCRIPTION,
        epilog=f"RULE is one of {EXAMPLES}. Other commands: clipwatch {commands}, each with a --help of its own.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show program's version number and exit")
    add_data_options(parser.add_argument_group("data"))
    add_training_options(parser.add_argument_group("training"))
    add_output_options(parser.add_argument_group("output"))
    _add_place_options(parser.add_argument_group("place"))
    add_common_options(parser)
    return parser


def add_data_options(group: argparse._ArgumentGroup) -> None:
    """What is trained on."""
    group.add_argument(
        "--dataset", metavar="NAME", help=f"{', '.join(DATASETS)} (default: auto, MNIST if it can be had)"
    )
    add_data_dir_option(group)
    _add_offline_option(group)


def add_training_options(group: argparse._ArgumentGroup) -> None:
    """How it is trained."""
    group.add_argument("--clip", metavar="RULE", help="the clipped lane's rule (default: value:0.001)")
    group.add_argument(
        "--lane", metavar="NAME=RULE", dest="lanes", action="append", help="a lane; repeat it; replaces both lanes"
    )
    group.add_argument("--seed", metavar="N", type=integer, help="decides weights and batches (default: 0)")
    group.add_argument("--iterations", metavar="N", type=integer, help="training steps (default: 1000)")
    group.add_argument("--batch-size", metavar="N", type=integer, help="images a step (default: 8)")
    group.add_argument("--eval-every", metavar="N", type=integer, help="steps between evaluations (default: 10)")
    group.add_argument("--eval-size", metavar="N", type=integer, help="images an evaluation (default: 100)")
    group.add_argument(
        "--optimizer", metavar="NAME", help=f"{', '.join(OPTIMIZERS)} (momentum 0.9; default: {OPTIMIZERS[0]})"
    )
    help_rate = "the optimizer's step size (default: 0.001, whichever the optimizer)"
    group.add_argument("--learning-rate", metavar="X", type=_real, help=help_rate)
    group.add_argument("--beta1", metavar="X", type=_real, help="Adam's memory of the gradient (default: 0.5)")
    group.add_argument("--init-std", metavar="X", type=_real, help="width of the initial weights (default: 0.1)")
    group.add_argument("--head", metavar="KIND", help=f"{' or '.join(HEADS)} logits (default: relu)")
    help_reset = "the optimizer begins anew whenever a lane's rule changes"
    group.add_argument("--reset-moments", action="store_const", const=True, help=help_reset)
    help_nonfinite = (
        f"what becomes of a gradient with NaN or infinity: {', '.join(NONFINITE)} (default: {NONFINITE[0]})"
    )
    group.add_argument("--nonfinite", metavar="WHAT", help=help_nonfinite)
    help_every = "evaluations from one measurement of what the clip does to the next (default: 5)"
    group.add_argument("--diagnose-every", metavar="N", type=integer, help=help_every)
    help_none = "measure nothing of what the clip does"
    group.add_argument("--no-diagnostics", action="store_const", const=False, dest="diagnostics", help=help_none)
    help_pace = "steps a second at most, or max (default: 100 on the screen, else max)"
    group.add_argument("--pace", metavar="N", type=_pace, help=help_pace)
    group.add_argument("--checkpoint-every", metavar="N", type=integer, help="steps between checkpoints (default: 500)")
    group.add_argument("--device", metavar="DEVICE", help="where torch computes, like cpu or cuda (default: cpu)")
    add_config_option(group, "settings in TOML; flags win over it")
    group.add_argument(
        "--print-config", action="store_true", help="print the run's settings as TOML, and train nothing"
    )


def add_config_option(group: argparse._ActionsContainer, help: str) -> None:
    """A file of settings and keys."""
    group.add_argument("--config", metavar="FILE", type=_config_file, help=help)


def _config_file(text: str) -> ConfigFile:
    return ConfigFile(text, read_toml(user_path(text)))


def add_output_options(group: argparse._ArgumentGroup) -> None:
    """How a run is shown or printed."""
    group.add_argument("--no-ui", action="store_true", help="print the training instead of opening the screen")
    group.add_argument("--json", action="store_true", help="print the stream of events, a JSON object a line")
    group.add_argument("--control", action="store_true", help="obey commands from standard input, a JSON object a line")
    group.add_argument("--quit-when-done", action="store_true", help="leave the screen when every lane has ended")
    help_effect = "print what the clip does, too, a line per measurement"
    group.add_argument("--diagnostics", action="store_true", dest="show_diagnostics", help=help_effect)
    group.add_argument("--quiet", action="store_true", help="print the summary only")


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """What every command takes."""
    parser.add_argument("--runs-dir", metavar="DIR", help="where runs are recorded (also CLIPWATCH_RUNS_DIR)")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def add_data_dir_option(group: argparse._ActionsContainer) -> None:
    """Where the data is."""
    group.add_argument("--data-dir", metavar="DIR", help="where the data set's files are, or shall be downloaded to")


def _add_offline_option(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--offline", action="store_const", const=True, help="never touch the network (also CLIPWATCH_OFFLINE=1)"
    )


def add_here_options(group: argparse._ActionsContainer) -> None:
    """What may be another than recorded where a run is trained further or again."""
    add_data_dir_option(group)
    _add_offline_option(group)
    group.add_argument("--device", metavar="DEVICE", help="where torch computes (default: as recorded)")


def machine(given: argparse.Namespace) -> Machine:
    """What `add_here_options` was given."""
    from ...core.runs.machine import Machine

    return Machine(
        data_dir=Path(given.data_dir) if given.data_dir else None, device=given.device, offline=bool(given.offline)
    )


def add_workplace_options(group: argparse._ActionsContainer) -> None:
    """Where a sweep is trained."""
    group.add_argument("--workers", metavar="N", type=integer, help="processes that train (default: one a core)")
    group.add_argument("--backend", choices=("local", "ray"), help="where to train (default: local)")
    group.add_argument("--ray-address", metavar="ADDRESS", help="a Ray cluster (default: one of its own, here)")


def add_tensorboard_option(group: argparse._ActionsContainer) -> None:
    """Where TensorBoard looks."""
    group.add_argument("--tensorboard", metavar="DIR", type=user_path, help="write for TensorBoard, DIR/<run>/<lane>")


def _add_place_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--no-record", action="store_true", help="keep nothing of this run")
    add_tensorboard_option(group)
    group.add_argument(
        "--engine-command", metavar="COMMAND", help="show the engine that this starts, on another machine perhaps"
    )
    help_web = "serve the screen to a browser on this machine"
    group.add_argument("--web", metavar="PORT", type=integer, nargs="?", const=8000, help=help_web)
    help_origin = "with --web: where else the page may be opened, like https://lab.example.org for a proxy; repeat it"
    group.add_argument("--web-origin", metavar="URL", dest="web_origins", action="append", help=help_origin)


def integer(text: str) -> int:
    """A whole number of a command line."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _pace(text: str) -> float | str:
    return text if text == "max" else _real(text)

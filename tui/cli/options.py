"""Every option of the command line, declared once: parser, help and completion are made from these lists."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NoReturn

from ...core.errors import BadInput
from ...core.files.paths import user_path
from ...core.stream.config import DATASETS, HEADS, NONFINITE, OPTIMIZERS, RunConfig
from ...core.stream.rules import parse_rule
from .settings import read_config_file

_DEFAULT = RunConfig()


@dataclass(frozen=True)
class Option:
    """An option, or an argument if its name has no dash; `keywords` are those of argparse's `add_argument`.

    `choices` are for shell completion: whoever reads the value says what is wrong with it.
    """

    names: tuple[str, ...]
    help: str
    keywords: dict[str, Any]
    choices: tuple[str, ...] = ()

    @property
    def setting(self) -> str:
        """The attribute that holds its value when the command line has been parsed."""
        return self.keywords.get("dest", self.names[-1].lstrip("-").replace("-", "_"))

    @property
    def needs_value(self) -> bool:
        """Whether the next argument is its value, whatever it looks like."""
        return self.keywords.get("action", "append") == "append" and self.keywords.get("nargs") is None

    def repeated(self, **keywords: Any) -> Option:
        """The same option, which keeps all its values when it is given again; a flag stays as it is."""
        return replace(self, keywords={**self.keywords, **keywords, "action": "append"}) if self.needs_value else self


class Group(NamedTuple):
    """Options under one title of the help."""

    title: str
    options: tuple[Option, ...]


def option(*names: str, help: str, choices: Sequence[str] = (), **keywords: Any) -> Option:
    """An option that takes a value."""
    return Option(names, help, keywords, tuple(choices))


def flag(name: str, *, help: str, **keywords: Any) -> Option:
    """An option without a value."""
    return Option((name,), help, {"action": "store_true", **keywords})


def _setting(name: str, *, help: str, **keywords: Any) -> Option:
    """A setting of a run; the help names its default."""
    made = option(name, help=help, **keywords)
    return replace(made, help=f"{help} (default: {getattr(_DEFAULT, made.setting)})")


def integer(text: str) -> int:
    """A whole number of a command line."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _pace(text: str) -> float | str:
    return text if text == "max" else _number(text)


def one_of(*choices: str) -> Callable[[str], str]:
    """Reads one of these words."""

    def read(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(choices)}")
        return text

    return read


def clip_rule(example: str) -> Callable[[str], str]:
    """Reads a clip rule; anything else is answered with an example of a command line."""

    def read(text: str) -> str:
        try:
            parse_rule(text)
        except BadInput as error:
            raise BadInput(f"{error} (example: {example})") from None
        return text

    return read


class _Version(argparse.Action):
    """Looks the version up only when it is asked for, which takes 20 ms."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib import metadata

        print(f"clipwatch {metadata.version('clipwatch')}")
        parser.exit()


HELP = Option(("-h", "--help"), "show this help and exit", {"action": "help"})
VERSION = Option(("--version",), "show the version and exit", {"action": _Version, "nargs": 0})
DEBUG = flag("--debug", help="show the traceback of an error")

DATASET = option(
    "--dataset",
    metavar="NAME",
    choices=DATASETS,
    help=f"{', '.join(DATASETS)} (default: auto, MNIST if available)",
)
DATA_DIR = option("--data-dir", metavar="DIR", help="where the data is, or where to download it")
OFFLINE = flag("--offline", action="store_const", const=True, help="never use the network (also CLIPWATCH_OFFLINE=1)")
DATA = (DATASET, DATA_DIR, OFFLINE)

CLIP = option(
    "--clip",
    metavar="RULE",
    type=clip_rule("clipwatch --clip value:0.001"),
    help=f"rule of the lane named clipped (default: {_DEFAULT.lanes[1].rule})",
)
LANE = option(
    "--lane",
    metavar="NAME=RULE",
    dest="lanes",
    action="append",
    help="a lane (one of the trainings side by side) and its rule; repeat it; replaces both default lanes",
)
SEED = _setting("--seed", metavar="N", type=integer, help="seed of initial weights and batches")
LEARNING = (
    SEED,
    _setting("--iterations", metavar="N", type=integer, help="training steps"),
    _setting("--batch-size", metavar="N", type=integer, help="images per step"),
    _setting("--eval-every", metavar="N", type=integer, help="steps between evaluations"),
    _setting("--eval-size", metavar="N", type=integer, help="validation images per evaluation"),
    _setting(
        "--optimizer", metavar="NAME", choices=OPTIMIZERS, help="adam, sgd, or sgd-momentum with a momentum of 0.9"
    ),
    _setting("--learning-rate", metavar="X", type=_number, help="step size, whatever the optimizer"),
    _setting("--beta1", metavar="X", type=_number, help="Adam's decay rate of the mean gradient"),
    _setting("--init-std", metavar="X", type=_number, help="standard deviation of initial weights"),
    _setting("--head", metavar="KIND", choices=HEADS, help="relu (on the logits) or linear (plain logits)"),
    _setting(
        "--nonfinite",
        metavar="WHAT",
        choices=NONFINITE,
        help="what to do about NaN or infinity in a gradient: propagate, skip (the step), zero (these elements) or"
        " stop (the lane)",
    ),
    _setting("--device", metavar="DEVICE", help="where torch computes, like cpu or cuda"),
)
WATCHING = (
    flag(
        "--reset-moments",
        action="store_const",
        const=True,
        help="reset the optimizer state when a lane's rule changes",
    ),
    _setting("--diagnose-every", metavar="N", type=integer, help="evaluations per measurement of the clipping"),
    flag(
        "--no-diagnostics",
        action="store_const",
        const=False,
        dest="diagnostics",
        help="do not measure what the clipping does",
    ),
    option(
        "--pace",
        metavar="N",
        type=_pace,
        help="limit in steps per second, or max (default: 100 on the screen, else max)",
    ),
    _setting("--checkpoint-every", metavar="N", type=integer, help="steps between checkpoints"),
)

CONFIG = option(
    "--config", metavar="FILE", type=read_config_file, help="read settings from a TOML file; options override them"
)
PRINT_CONFIG = flag("--print-config", help="print the settings as TOML and exit")
KEYS_CONFIG = replace(CONFIG, help="read [keys] from a TOML file; its settings are for new runs")

NO_UI = flag("--no-ui", help="print instead of opening the screen")
SHOW_DIAGNOSTICS = flag(
    "--diagnostics", dest="show_diagnostics", help="also print what the clipping does, a line per measurement"
)
OUTPUT = (
    NO_UI,
    flag("--json", help="print the events as JSON lines"),
    flag("--control", help="obey commands from standard input, as JSON lines"),
    flag("--quit-when-done", help="close the screen at the end"),
    SHOW_DIAGNOSTICS,
    flag("--quiet", help="print only the summary"),
)

RUNS_DIR = option("--runs-dir", metavar="DIR", help="where runs are recorded (also CLIPWATCH_RUNS_DIR)")
NO_RECORD = flag("--no-record", help="do not record this run")
TENSORBOARD = option(
    "--tensorboard", metavar="DIR", type=user_path, help="write for TensorBoard, into DIR/<run>/<lane>"
)
RECORDING = (RUNS_DIR, NO_RECORD, TENSORBOARD)

ELSEWHERE = (
    option("--engine-command", metavar="COMMAND", help="show the engine that this starts, perhaps over ssh"),
    option(
        "--web",
        metavar="PORT",
        type=integer,
        nargs="?",
        const=8000,
        help="serve the screen to a browser here (port: 8000)",
    ),
    option(
        "--web-origin",
        metavar="URL",
        dest="web_origins",
        action="append",
        help="with --web: a further address of the page, like https://lab.example.org for a proxy; repeat it",
    ),
)

# Where a recorded run is trained again.
MACHINE = (
    DATA_DIR,
    OFFLINE,
    option("--device", metavar="DEVICE", help="where torch computes (default: as recorded)"),
)
# Where a sweep is trained.
WORKPLACE = (
    option("--workers", metavar="N", type=integer, help="processes that train (default: one per core)"),
    option(
        "--backend",
        metavar="NAME",
        type=one_of("local", "ray"),
        choices=("local", "ray"),
        help="where to train: local or ray (default: local)",
    ),
    option("--ray-address", metavar="ADDRESS", help="a Ray cluster (default: start one on this machine)"),
)

"""The options of the command line, each declared once; the parser, the help and the completion are built from them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NoReturn

from ...core.errors import BadInput
from ...core.files.paths import user_path
from ...core.stream.builtin_experiments import BUILT_IN, DATASETS, LENET
from ...core.stream.config import NONFINITE, RunConfig
from ...core.stream.lane_config import OPTIMIZERS
from ...core.stream.rules import parse_rule
from ..view.metrics import NAMES
from .chart_names import MOST, chart_names
from .settings import read_config_file

_DEFAULT = RunConfig()


@dataclass(frozen=True)
class Option:
    """An option, or a positional argument if its name has no dash; `keywords` are those of argparse's `add_argument`.

    `choices` are only for shell completion; the code that reads the value checks it, with a better message.
    """

    names: tuple[str, ...]
    help: str
    keywords: dict[str, Any]
    choices: tuple[str, ...] = ()

    @property
    def setting(self) -> str:
        """The name of the attribute that holds its value after parsing."""
        return self.keywords.get("dest", self.names[-1].lstrip("-").replace("-", "_"))

    @property
    def needs_value(self) -> bool:
        """Whether the next argument is its value, even if it looks like an option."""
        return self.keywords.get("action", "append") == "append" and self.keywords.get("nargs") is None

    def repeatable(self, **keywords: Any) -> Option:
        """The same option, which collects its values in a list when it is repeated; a flag is returned unchanged."""
        return replace(self, keywords={**self.keywords, **keywords, "action": "append"}) if self.needs_value else self


class Group(NamedTuple):
    """Options under one heading of the help."""

    title: str
    options: tuple[Option, ...]


def option(*names: str, help: str, choices: Sequence[str] = (), **keywords: Any) -> Option:
    """An option that takes a value."""
    return Option(names, help, keywords, tuple(choices))


def flag(name: str, *, help: str, **keywords: Any) -> Option:
    """An option without a value."""
    return Option((name,), help, {"action": "store_true", **keywords})


def _setting(name: str, *, help: str, **keywords: Any) -> Option:
    """An option for a setting of a run; its default is added to the help."""
    setting = option(name, help=help, **keywords)
    return replace(setting, help=f"{help} (default: {getattr(_DEFAULT, setting.setting)})")


def _lenet_setting(name: str, of: str = "", **keywords: Any) -> Option:
    """An option for a setting of the experiment LeNet. `of` begins its help."""
    info = next(each for each in LENET.settings if each.name == name)
    flag = f"--{name.replace('_', '-')}"
    return option(flag, help=f"{of}{info.help} (default: {info.default})", choices=info.choices, **keywords)


def integer(text: str) -> int:
    """Parse a whole number."""
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
    """A parser that accepts one of these words."""

    def read(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(choices)}")
        return text

    return read


def clip_rule(example: str) -> Callable[[str], str]:
    """A parser for clip rules; its error message ends with an example command line."""

    def read(text: str) -> str:
        try:
            parse_rule(text)
        except BadInput as error:
            raise BadInput(f"{error} (example: {example})") from None
        return text

    return read


class _Version(argparse.Action):
    """Prints the version. It is looked up only then, because that takes 20 ms."""

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
    help=f"images of {LENET.info.name}: {', '.join(DATASETS)} (default: auto, which is MNIST if available)",
)
DATA_DIR = option("--data-dir", metavar="DIR", help="folder with the data, or a folder to download it to")
EXPERIMENT = option(
    "--experiment",
    metavar="NAME",
    choices=tuple(BUILT_IN),
    help=f"what is trained: {', '.join(BUILT_IN)}, or your own FILE.py[:CLASS] or PACKAGE.MODULE:CLASS (default:"
    f" {LENET.info.name}); the defaults below are those of {LENET.info.name}, and clipwatch experiment show NAME lists"
    " those of others",
)
SET = option(
    "--set",
    metavar="NAME=VALUE",
    dest="settings",
    action="append",
    help="a setting of the experiment; repeat it to set several",
)
OFFLINE = flag("--offline", action="store_const", const=True, help="never use the network (also CLIPWATCH_OFFLINE=1)")
DATA = (DATASET, DATA_DIR, OFFLINE)

CLIP = option(
    "--clip",
    metavar="RULE",
    type=clip_rule("clipwatch --clip value:0.001"),
    help=f"clip rule of the clipped lane (default: {_DEFAULT.lanes[1].rule})",
)
LANE = option(
    "--lane",
    metavar="NAME=RULE[,lr=X]...",
    dest="lanes",
    action="append",
    help="a lane (one of the trainings that run side by side), its clip rule, and what settings it has of its own: lr,"
    " optimizer, beta1; repeat it for each lane; replaces the two default lanes",
)
CLIP_AT = option(
    "--clip-at",
    metavar=("STEP", "RULE"),
    nargs=2,
    action="append",
    help="another clip rule from this step on: RULE for the clipped lane, NAME=RULE for another one; repeat it for"
    " further steps",
)
SEED = _setting("--seed", metavar="N", type=integer, help="seed of the initial weights and of the batches")
TRAINING = (
    SEED,
    _setting("--iterations", metavar="N", type=integer, help="training steps"),
    _setting("--batch-size", metavar="N", type=integer, help="examples per step"),
    _setting("--eval-every", metavar="N", type=integer, help="steps between evaluations"),
    _setting("--eval-size", metavar="N", type=integer, help="validation examples per evaluation"),
    _setting(
        "--optimizer", metavar="NAME", choices=OPTIMIZERS, help="adam, sgd, or sgd-momentum, whose momentum is 0.9"
    ),
    _setting("--learning-rate", metavar="X", type=_number, help="learning rate of the optimizer"),
    _setting("--beta1", metavar="X", type=_number, help="Adam's beta1, the decay rate of the mean gradient"),
    _lenet_setting("init_std", metavar="X", type=_number),
    _lenet_setting("head", f"last layer of {LENET.info.name}: ", metavar="KIND"),
    _setting(
        "--nonfinite",
        metavar="ACTION",
        choices=NONFINITE,
        help="what to do about NaN or infinity in a gradient: propagate, skip (the step), zero (these elements) or"
        " stop (this training)",
    ),
    _setting(
        "--layers", metavar="N", type=integer, help="your own network: depth of the module paths that count as layers"
    ),
    _setting("--device", metavar="DEVICE", help="torch device, such as cpu or cuda"),
)
RUN_ONLY = (
    flag(
        "--reset-moments",
        action="store_const",
        const=True,
        help="reset the optimizer state when a lane's rule changes",
    ),
    _setting(
        "--diagnose-every", metavar="N", type=integer, help="measure the effect of clipping at every Nth evaluation"
    ),
    flag(
        "--no-diagnostics",
        action="store_const",
        const=False,
        dest="diagnostics",
        help="do not measure the effect of clipping",
    ),
    option(
        "--pace",
        metavar="N",
        type=_pace,
        help="speed limit in steps per second, or max (default: 40 on the screen, where 0 is the key for full speed;"
        " otherwise max)",
    ),
    _setting("--checkpoint-every", metavar="N", type=integer, help="steps between checkpoints"),
)

CONFIG = option(
    "--config", metavar="FILE", type=read_config_file, help="read settings from a TOML file; options override it"
)
PRINT_CONFIG = flag("--print-config", help="print the settings as TOML and exit")
KEYS_CONFIG = replace(CONFIG, help="read [keys] (key bindings) from a TOML file; other settings are ignored")

NO_UI = flag("--no-ui", help="print text instead of opening the screen")
SHOW_DIAGNOSTICS = flag(
    "--diagnostics", dest="show_diagnostics", help="also print the effect of clipping, one line per measurement"
)
CHARTS = option(
    "--charts",
    metavar="NAMES",
    type=chart_names,
    choices=NAMES,
    default=(),
    help=f"charts on the screen, one to {MOST} of these, separated by commas: {', '.join(NAMES)} (default: two, or four"
    " on a tall terminal, that say most about the clip rules)",
)
OUTPUT = (
    NO_UI,
    CHARTS,
    flag("--json", help="print the events as JSON lines (implies --no-ui)"),
    flag("--control", help="read commands as JSON lines from standard input (implies --no-ui)"),
    flag("--quit-when-done", help="close the screen when done"),
    SHOW_DIAGNOSTICS,
    flag("--quiet", help="print only the summary, warnings and errors"),
)

RUNS_DIR = option("--runs-dir", metavar="DIR", help="folder of recorded runs (also CLIPWATCH_RUNS_DIR)")
NO_RECORD = flag("--no-record", help="do not record this run")
TENSORBOARD = option("--tensorboard", metavar="DIR", type=user_path, help="write TensorBoard logs to DIR/<run>/<lane>")
RECORDING = (RUNS_DIR, NO_RECORD, TENSORBOARD)

REMOTE = (
    option(
        "--engine-command", metavar="COMMAND", help="show an engine started by this command, for example through ssh"
    ),
    option(
        "--web",
        metavar="PORT",
        type=integer,
        nargs="?",
        const=8000,
        help="serve the screen to a browser on this machine (default port: 8000)",
    ),
    option(
        "--web-origin",
        metavar="URL",
        dest="web_origins",
        action="append",
        help="with --web: also allow this address of the page, such as https://lab.example.org for a proxy; may be"
        " repeated",
    ),
)

# Settings of a recorded run that may differ on this machine.
MACHINE = (
    DATA_DIR,
    OFFLINE,
    option("--device", metavar="DEVICE", help="torch device (default: as recorded)"),
)
# Where a sweep is trained.
BACKEND = (
    option("--workers", metavar="N", type=integer, help="number of training processes (default: one per core)"),
    option(
        "--backend",
        metavar="NAME",
        type=one_of("local", "ray"),
        choices=("local", "ray"),
        help="where to train: local or ray (default: local)",
    ),
    option("--ray-address", metavar="ADDRESS", help="address of a Ray cluster (default: start Ray on this machine)"),
)

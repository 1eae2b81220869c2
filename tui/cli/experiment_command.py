"""`clipwatch experiment`: lists and shows experiments, and writes the file that one's own begins with."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence

from ...core.stream.builtin_experiments import BUILT_IN, BuiltIn, SettingInfo
from ...core.stream.config import OF_OPTIMIZER, from_options
from ...core.stream.experiment_info import LOSS, MetricInfo
from ...core.stream.experiment_names import require_experiment
from ..text.messages import say
from .options import DEBUG, HELP, Group, option
from .parser import Subcommand

_KINDS: dict[type, str] = {bool: "true or false", int: "whole number", float: "number", str: "text"}
# Settings of every run whose defaults may differ by experiment. Lanes are shown by themselves.
_OF_RUNS = ("iterations", "batch_size", "eval_every", "eval_size")


def _list(args: argparse.Namespace) -> int:
    rows = [(name, each.summary) for name, each in BUILT_IN.items()]
    for line in (*_table(rows), "", "settings of one   clipwatch experiment show NAME"):
        say(line)
    say("your own model    clipwatch experiment new FILE.py")
    return 0


def _show(args: argparse.Namespace) -> int:
    require_experiment(args.experiment)
    if args.experiment in BUILT_IN:
        experiment = BUILT_IN[args.experiment]
    else:
        # Imports torch and the user's file.
        from ...core.engine.own_experiment import describe_own

        # What the user's code prints is not part of the description.
        with contextlib.redirect_stdout(sys.stderr):
            experiment = describe_own(args.experiment)
    for line in _description(args.experiment, experiment):
        say(line)
    return 0


def _new(args: argparse.Namespace) -> int:
    from ...core.experiments.starting_file import write_starting_file

    write_starting_file(args.file)
    say(f"wrote {args.file}; run it: {shlex.join(('clipwatch', '--experiment', args.file))}")
    return 0


def _description(name: str, experiment: BuiltIn) -> Iterator[str]:
    info = experiment.info
    yield f"{info.name}: {experiment.summary}" if experiment.summary else info.name
    if info.file is not None:
        yield f"  {info.file}"
        yield f"  SHA-256 {info.checksum}"
    yield from _section("settings (--set NAME=VALUE)", [_setting(each) for each in experiment.settings])
    yield from _section("defaults", list(_defaults(name, own_optimizer=info.own_optimizer)))
    yield from _section("metrics", [_metric(each) for each in (LOSS, *info.metrics)])
    yield from _section("gauges, measured with the diagnostics", [_metric(each) for each in info.gauges])
    if info.file is not None:
        yield ""
        yield "A run also shows the metrics and gauges that evaluate and gauges return."


def _setting(setting: SettingInfo) -> tuple[str, ...]:
    default = str(setting.default)
    return (
        setting.name,
        "one of" if setting.choices else _KINDS[setting.kind],
        default.lower() if isinstance(setting.default, bool) else default,
        "; ".join(filter(None, (setting.help, _limits(setting)))),
    )


def _limits(setting: SettingInfo) -> str:
    """The values that a setting may have, unless its help says so."""
    if setting.choices and not all(choice in setting.help for choice in setting.choices):
        return ", ".join(setting.choices)
    if setting.above is not None:
        return f"above {setting.above:g}"
    if setting.least is not None and setting.most is not None:
        return f"{setting.least:g} to {setting.most:g}"
    return "" if setting.least is None else f"{setting.least:g} or more"


def _defaults(name: str, *, own_optimizer: bool) -> Iterator[tuple[str, ...]]:
    config = from_options({"experiment": name})
    for lane in config.lanes:
        yield "lane", f"{lane.name}={lane.rule}"
    for each in (*OF_OPTIMIZER, *_OF_RUNS):
        is_own = own_optimizer and each in OF_OPTIMIZER
        if each != "beta1" or (config.optimizer == "adam" and not is_own):
            yield each.replace("_", "-"), "its own, see make_optimizer" if is_own else str(getattr(config, each))


def _metric(metric: MetricInfo) -> tuple[str, ...]:
    return metric.name, "" if metric.words == metric.name else metric.words


def _section(title: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A title and a table under it, or nothing if it has no rows."""
    if rows:
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in _table(rows))


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The rows as lines whose cells stand below each other."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


_OPTIONS = Group("options", (DEBUG, HELP))
EXPERIMENT_COMMANDS = (
    Subcommand("experiment", "list experiments, show one, begin your own", _list, (_OPTIONS,)),
    Subcommand("experiment list", "list the built-in experiments", _list, (_OPTIONS,)),
    Subcommand(
        "experiment show",
        "show the settings and defaults of an experiment",
        _show,
        (
            Group(
                "arguments",
                (
                    option(
                        "experiment",
                        metavar="NAME",
                        choices=tuple(BUILT_IN),
                        help=f"{', '.join(BUILT_IN)}, or your own FILE.py[:CLASS] or PACKAGE.MODULE:CLASS, whose code"
                        " is imported",
                    ),
                ),
            ),
            _OPTIONS,
        ),
    ),
    Subcommand(
        "experiment new",
        "write a file with an experiment of your own that runs as it stands",
        _new,
        (Group("arguments", (option("file", metavar="FILE", help="the file to write, such as mine.py"),)), _OPTIONS),
    ),
)

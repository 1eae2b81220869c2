"""The settings and values of compared lanes as text."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.reports.compared_cells import UNKNOWN, best_text, setting_cell, step_cell, value_cell
from ...core.reports.phrases import Words
from ...core.runs.compared import ComparedLane, ComparedRun, common_metrics, experiments
from ...core.safe_text import printable
from ...core.stream.experiment_info import MetricInfo, Value

_ENGLISH = Words("en")
# Settings whose values say enough.
_UNNAMED = ("clip", "changes", "experiment")


def setting_name(name: str) -> str:
    """The name of a setting."""
    return printable(name.replace("_", " "))


def setting_text(value: Value | None) -> str:
    """The value of a setting; a dash where a lane has none."""
    return setting_cell(value, _ENGLISH)


def differences(lane: ComparedLane) -> str:
    """The settings in which lanes differ, in one text: `clip none, lenet, head relu, seed 0`."""
    found = ((name, setting_text(lane.settings.get(name))) for name in lane.differing)
    known = [(name, text) for name, text in found if text != UNKNOWN]
    return ", ".join(
        "clip none"
        if (name, text) == ("clip", "none")
        else text
        if name in _UNNAMED
        else f"{setting_name(name)} {text}"
        for name, text in known
    )


def step_text(lane: ComparedLane, *, unit: str = "") -> str:
    """How many steps a lane has done, of how many, and how it ended unless it has done all: `50 steps, stopped`.

    `unit` follows the number: ` steps`.
    """
    return step_cell(lane, _ENGLISH, unit)


def value_text(lane: ComparedLane, metric: MetricInfo) -> str:
    """A final value with its interval, or the newest evaluation with its step; a dash if there is none."""
    return value_cell(lane, metric, _ENGLISH, dash="-")


def experiments_text(runs: Sequence[ComparedRun]) -> str:
    """What is said of runs of different experiments; empty if there is only one."""
    names = [printable(name) for name in experiments(runs)]
    if len(names) < 2:
        return ""
    common = " and ".join(metric.words for metric in common_metrics(runs))
    return f"runs of different experiments: {', '.join(names)}; metrics in common: {common}"


def best_words(lanes: Sequence[ComparedLane], runs: Sequence[ComparedRun]) -> str:
    """Which lane is best by the first metric in common, and which others cannot be told from it; empty if unknown."""
    return printable(str(best_text(lanes, common_metrics(runs), _ENGLISH, dash="-") or ""))


def faults(runs: Sequence[ComparedRun]) -> list[str]:
    """What is to be said of the runs that cannot be read, or not in full: number, name and reason of each."""
    return [f"{place}  {printable(run.name)}: {printable(run.fault)}" for place, run in enumerate(runs, 1) if run.fault]

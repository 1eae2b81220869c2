"""The cells of recorded runs and sweeps in a table."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.runs.folder import LaneOutcome, Manifest
from ...core.stream.builtin_experiments import ACCURACY, LENET
from ...core.stream.experiment_info import ExperimentInfo, MetricInfo, Value
from ...core.stream.fork_words import origin_text
from ...core.sweeps.listing import Recording
from ...core.sweeps.overview import FirstComparison, SweepOverview
from ..text.metric_words import difference_words, value_words
from ..text.number_format import date_and_time, number_of
from ..text.setting_words import data_name, setting_words

# What follows the state of a run: was it changed mid-run? None: that is not known.
MARKS = {True: "*", False: "", None: "?"}
LEGEND = {
    True: "* changed mid-run: not a clean comparison of its lanes",
    None: "? its events cannot be read, so it may have been changed mid-run",
}


def started(recording: Recording) -> str:
    """When a run or sweep was started."""
    return date_and_time(recording.overview.started)


def shared_cells(recording: Recording) -> tuple[str, ...]:
    """Data, settings, optimizer and state. What trains no LeNet is named by its experiment in place of its data."""
    found = recording.overview
    data = data_name(found.experiment.name, found.dataset.name)
    return data, _settings(found) or "-", found.optimizer or "-", found.state + MARKS[found.changed]


def branch(depth: int, *, ascii: bool) -> str:
    """What stands before the name of a forked run, below that of its parent."""
    return f"{'  ' * (depth - 1)}{'`-' if ascii else '└─'} " if depth else ""


def lane_cells(recording: Recording) -> list[tuple[str, ...]]:
    """A row per lane: its name, rule, steps done, loss and first metric. A sweep has two, see `_sweep_cells`."""
    found = recording.overview
    if isinstance(found, SweepOverview):
        return _sweep_cells(found)
    return [_lane_cells(lane, found) for lane in found.lanes] or [("",) * 5]


def legend(recordings: Iterable[Recording]) -> list[str]:
    """What the marks of these recordings mean, and the figures of sweeps if there are any."""
    listed = list(recordings)
    texts = [text for mark, text in LEGEND.items() if any(each.overview.changed is mark for each in listed)]
    if any(each.kind == "sweep" for each in listed):
        texts.append("For a sweep, loss and result are mean differences of the two settings over the seeds of both.")
    return texts


def _settings(found: Manifest | SweepOverview) -> str:
    """LeNet's head, or the settings of another experiment that are not its defaults."""
    values = _values(found) if isinstance(found, SweepOverview) else found.settings or {}
    return (
        str(values.get("head", ""))
        if found.experiment.name == LENET.info.name
        else setting_words(found.experiment, values)
    )


def _values(sweep: SweepOverview) -> dict[str, Value]:
    """The value of each setting, and those of an axis in one text."""
    return {name: one[0] if len(one) == 1 else ", ".join(map(str, one)) for name, one in sweep.values.items()}


def main_value(lane: LaneOutcome, experiment: ExperimentInfo) -> float | None:
    """The experiment's first metric on all validation data, or the loss; None if the lane has none."""
    return (
        lane.accuracy
        if experiment.main.name == ACCURACY.name
        else {"loss": lane.loss, **lane.metrics}.get(experiment.main.name)
    )


def rule_cell(lane: LaneOutcome, run: Manifest) -> str:
    """A lane's rule, and its learning rate if the lanes have different ones."""
    # A watched loop may clip itself.
    rule = "observed" if run.watched and lane.rule == "none" else lane.rule
    rates = {one.learning_rate for one in run.lanes}
    return rule if len(rates) < 2 or lane.learning_rate is None else f"{rule}, lr {lane.learning_rate:g}"


def _lane_cells(lane: LaneOutcome, run: Manifest) -> tuple[str, ...]:
    experiment, rule = run.experiment, rule_cell(lane, run)
    name = f"{lane.name} ({origin_text(lane.parent, lane.forked_at)})" if lane.parent else lane.name
    if lane.failure:
        return name, rule, str(lane.step), "-", lane.failure
    loss, value = lane.loss, main_value(lane, experiment)
    return (
        name,
        rule,
        str(lane.step),
        "-" if loss is None else f"{loss:.4f}",
        "-" if value is None else named(experiment.main, value_words(experiment.main, value)),
    )


def named(info: MetricInfo, value: str) -> str:
    """A value in a column of accuracies: another metric is named."""
    return value if info.name == ACCURACY.name else f"{info.words} {value}"


def _sweep_cells(sweep: SweepOverview) -> list[tuple[str, ...]]:
    """Two rows: the numbers of settings, seeds and finished trainings, and the first comparison with its means."""
    compared = sweep.comparison
    pair, _, common = compared.name.partition(" (") if compared else ("", "", "")
    figures = (f"{compared.nats:+.4f}", difference_cell(compared, sweep.experiment)) if compared else ("-", "-")
    diverged = f", {sweep.diverged:,} diverged" if sweep.diverged else ""
    return [
        (number_of(sweep.settings, "setting"), pair, f"{sweep.done:,} of {sweep.total:,}{diverged}", *figures),
        (number_of(sweep.seeds, "seed"), f"({common}" if common else "", "", "", ""),
    ]


def difference_cell(compared: FirstComparison, experiment: ExperimentInfo) -> str:
    """The mean difference in the first metric."""
    main = experiment.main
    return named(main, f"{compared.main:+.3f}" if main.share else difference_words(main, compared.main))

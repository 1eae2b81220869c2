"""The summary table printed when a run ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from rich import box
from rich.table import Table

from ...core.stream.audit_words import audit_words, by_importance
from ...core.stream.command_line import command_line
from ...core.stream.config import RunConfig, with_dataset
from ...core.stream.events import LaneFinished
from ...core.stream.experiment_info import ExperimentInfo, MetricInfo
from ...core.stream.fork_words import origin_text
from ...core.stream.lane_differences import settings_of, settings_that_differ
from ...core.stream.lane_state import LaneState
from ...core.stream.series import evaluated_values, final_values
from ...core.stream.state import RunState
from .lane_names import lane_name
from .metric_words import accuracy_interval, gauge_value, value_words
from .number_format import duration, share
from .pair_results import pair_results
from .rich_output import Output
from .setting_words import and_words, beside_rule_words, own_settings, run_name, setting_words

_UNKNOWN = "-"
# The widest text in each label column; longer ones wrap, so that two lanes fit into 80 columns.
_LABEL_WIDTHS = 16, 12
# Columns around both labels, and the minimum for a lane.
_LABEL_MARGINS, _LANE_CELLS = 6, 15


def print_summary(console: Output, state: RunState) -> None:
    """Print the table, split if there are more lanes than fit, and below it what is to be said about the run.

    That is which lanes differ by more than their rules, if any do, what came of those that do not, and where the run
    is recorded.
    """
    lanes, room = list(state.lanes.values()), console.width - sum(_label_widths(state)) - _LABEL_MARGINS
    fitting = max(1, room // _LANE_CELLS)
    for first in range(0, len(lanes), fitting):
        console.print(summary_table(state, lanes[first : first + fitting]), soft_wrap=False)
    names = {name: name for name in state.lanes}
    clauses = beside_rule_words(state, names)
    for result in pair_results(state, names) if clauses else ():
        console.print(f"  {result.long}", soft_wrap=True)
    for clause in clauses:
        console.print(f"  {clause}, so they are not a comparison of clipping", soft_wrap=True)
    if line := recording_line(state):
        console.print(f"  {line}", soft_wrap=True)


def recording_line(state: RunState) -> str:
    """Where the run is recorded and whether the recording is complete; empty if there is none."""
    if stopped := state.recording_stopped:
        return f"recording stopped ({stopped.cause}): {stopped.folder} holds the run up to that point"
    return f"recorded in {state.recorded_in}" if state.recorded_in else ""


def summary_table(state: RunState, lanes: Sequence[LaneState]) -> Table:
    """A column per lane: rule, steps, results on the last batch and on all validation images, clipping, speed."""
    dataset, config, experiment = state.dataset, state.config, state.experiment
    interval = (
        " (95 %)" if any(lane.finished and accuracy_interval(lane.finished, experiment.main) for lane in lanes) else ""
    )
    every = f"all {dataset.validation:,}{interval}" if dataset else f"all{interval}"
    last = f"last {config.eval_size} {experiment.examples}" if config else f"last {experiment.examples}"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading, width in zip(_heading(state), _label_widths(state), strict=True):
        table.add_column(heading, max_width=width)
    for lane in lanes:
        table.add_column(lane.name)
    table.add_row("clip", "", *(_rule(lane, state) for lane in lanes))
    for row in _own_settings(state, lanes):
        table.add_row(*row)
    table.add_row("steps", "", *map(_steps, lanes))
    if state.watched:
        _add_watched_rows(table, state, lanes)
        return table
    table.add_row(last, "loss", *(f"{lane.latest.loss:.4f}" if lane.latest else _UNKNOWN for lane in lanes))
    for info in experiment.metrics:
        table.add_row("", info.words, *(_latest(lane, info) for lane in lanes))
    table.add_row(every, "loss", *(f"{lane.finished.loss:.4f}" if lane.finished else _UNKNOWN for lane in lanes))
    for info in experiment.metrics:
        table.add_row("", info.words, *(_final(lane, info) for lane in lanes))
    for row in _effect(lanes, experiment):
        table.add_row(*row)
    table.add_row("speed", "steps/s", *map(_speed, lanes))
    return table


def _own_settings(state: RunState, lanes: Sequence[LaneState]) -> Iterator[tuple[str, ...]]:
    """What lanes were forked from, and the settings in which any two lanes of the run differ, or that were changed."""
    if any(lane.parent for lane in lanes):
        yield "forked from", "", *(origin_text(lane.parent, lane.forked_at) for lane in lanes)
    differing = settings_that_differ(state)
    if "learning_rate" in differing or any(lane.rate_changed_at for lane in state.lanes.values()):
        yield "learning rate", "", *map(_rate, lanes)
    configs = [settings_of(state, lane) for lane in lanes]
    for name in ("optimizer", "beta1"):
        if name in differing:
            yield name, "", *(_UNKNOWN if config is None else _setting(config, name) for config in configs)


def _rate(lane: LaneState) -> str:
    rate = _UNKNOWN if lane.learning_rate is None else f"{lane.learning_rate:g}"
    return f"{rate}, changed mid-run" if lane.rate_changed_at else rate


def _setting(config: RunConfig, name: Literal["optimizer", "beta1"]) -> str:
    if name == "optimizer":
        return config.optimizer
    return f"{config.beta1:g}" if config.optimizer == "adam" else _UNKNOWN


def _add_watched_rows(table: Table, state: RunState, lanes: Sequence[LaneState]) -> None:
    """What is known of watched loops: their last evaluation, if there is one, what was clipped, and their speed."""
    if any(lane.latest for lane in lanes):
        table.add_row(
            "last evaluation", "loss", *(f"{lane.latest.loss:.4f}" if lane.latest else _UNKNOWN for lane in lanes)
        )
        for info in state.experiment.metrics:
            table.add_row("", info.words, *(_latest(lane, info) for lane in lanes))
    for row in _effect(lanes, state.experiment):
        table.add_row(*row)
    if any(lane.skipped for lane in lanes):
        table.add_row("skipped", "by the scaler", *(f"{lane.skipped:,}" for lane in lanes))
    for lane in lanes:
        for found in by_importance(lane.audit):
            table.add_row(
                "audit", f"step {found.step}", *(audit_words(found)[-1] if one is lane else "" for one in lanes)
            )
    table.add_row("time", "", *(duration(lane.loop_ended.seconds) if lane.loop_ended else _UNKNOWN for lane in lanes))


def lane_summary(state: RunState, number: int) -> str:
    """One lane in one line, for pasting elsewhere: its rule, its run and its result so far."""
    lane = list(state.lanes.values())[number]
    words = [
        f"{lane_name(lane.name)}: {', '.join((f'clip {_rule(lane, state)}', *own_settings(state, lane)))}",
        ", ".join(filter(None, _heading(state))),
        f"steps: {_steps(lane)}",
    ]
    experiment = state.experiment
    if lane.finished:
        found = [f"{info.words} {_final(lane, info)}" for info in experiment.metrics]
        results = and_words([*found, f"loss {lane.finished.loss:.4f}"])
        words.append(f"{results} on all {lane.finished.total:,} {experiment.examples}")
        if experiment.gauge("dead-outputs"):
            words.append(f"dead outputs {_dead(lane)}")
    elif lane.latest and state.config:
        newest = evaluated_values(lane.latest)
        found = [f"{info.words} {newest[info.name]:g}" for info in experiment.metrics if info.name in newest]
        results = and_words([*found, f"loss {lane.latest.loss:.4f}"])
        examples = f"on {state.config.eval_size} {experiment.examples}"
        words.append(f"{results} {'at the last evaluation' if state.watched else examples}")
    return "; ".join(words)


def repeating_command(state: RunState) -> str | None:
    """The command that trains this run again, with the steps that were added to it.

    None before it has started, and for a watched loop, which is a program of its own.
    """
    if state.config is None or state.dataset is None or state.watched:
        return None
    iterations = max((lane.iterations for lane in state.lanes.values()), default=state.config.iterations)
    return command_line(msgspec.structs.replace(with_dataset(state.config, state.dataset.name), iterations=iterations))


def _heading(state: RunState) -> tuple[str, str]:
    config = state.config
    if config is None or state.dataset is None:
        return "", ""
    if state.watched:
        return f"{run_name(state)}, watched", ""
    return f"{run_name(state)}, seed {config.seed}", setting_words(state.experiment, config.settings)


def _label_widths(state: RunState) -> list[int]:
    """The widths of the label columns, in which no word of the heading is cut."""
    headings = zip(_heading(state), _LABEL_WIDTHS, strict=True)
    return [max([width, *map(len, heading.split())]) for heading, width in headings]


def _effect(lanes: Sequence[LaneState], experiment: ExperimentInfo) -> Iterator[tuple[str, ...]]:
    """What the gauges show, and the shares of elements and steps clipped, if they were measured."""
    if any(lane.finished and lane.finished.silent_outputs is not None for lane in lanes):
        yield "", "dead outputs", *map(_dead, lanes)
    measured = [lane.diagnosed for lane in lanes if lane.diagnosed]
    if not measured:
        return
    step = max(one.step for one in measured)
    for gauge in experiment.gauges:
        if any(gauge.name in one.gauge for one in measured):
            values = (lane.diagnosed.gauge.get(gauge.name) if lane.diagnosed else None for lane in lanes)
            yield gauge.words, f"step {step}", *(gauge_value(gauge, value) for value in values)
    yield "elements clipped", f"step {step}", *(_share(lane, "elements") for lane in lanes)
    counted = "own steps" if any(lane.parent for lane in lanes) else "all steps"
    yield "steps clipped", counted, *(_share(lane, "steps") for lane in lanes)


def _dead(lane: LaneState) -> str:
    if lane.finished is None or lane.finished.silent_outputs is None:
        return _UNKNOWN
    return " ".join(map(str, lane.finished.silent_outputs)) or "none"


def _share(lane: LaneState, which: Literal["elements", "steps"]) -> str:
    if lane.diagnosed is None:
        return _UNKNOWN
    if which == "elements" and lane.diagnosed.step < (lane.forked_at or 0):
        # That is of its parent's rule.
        return _UNKNOWN
    if which == "steps" and lane.parent is not None:
        # The measurement counts on from that of its parent.
        return _UNKNOWN if lane.own_share_clipped is None else share(lane.own_share_clipped)
    return share(lane.diagnosed.total.clipped_share if which == "elements" else lane.diagnosed.engaged)


def _rule(lane: LaneState, state: RunState) -> str:
    if state.watched and lane.rule == "none" and not lane.changed_at:
        return "observed"
    if lane.changed_at:
        return f"{lane.rule}, changed mid-run"
    return lane.rule if not lane.clip_at else ", ".join(_planned(state, lane))


def _planned(state: RunState, lane: LaneState) -> Iterator[str]:
    """The rule that a lane starts with, and those that are planned for later."""
    yield from (known.rule for known in (state.config.lanes if state.config else ()) if known.name == lane.name)
    yield from (f"{rule} from {step}" for step, rule in lane.clip_at.items())


def _steps(lane: LaneState) -> str:
    if lane.failed:
        return f"{lane.failed.reason} at {lane.step}"
    return f"{lane.step}" if lane.status == "completed" else f"{lane.step}, {lane.status}"


def _latest(lane: LaneState, info: MetricInfo) -> str:
    value = evaluated_values(lane.latest).get(info.name) if lane.latest else None
    if value is None:
        return _UNKNOWN
    return f"{value:.2f}" if info.share else value_words(info, value)


def _final(lane: LaneState, info: MetricInfo) -> str:
    """A metric on all examples; an accuracy with its interval."""
    value = final_values(lane.finished).get(info.name) if lane.finished else None
    if lane.finished is None or value is None:
        return _UNKNOWN
    interval = accuracy_interval(lane.finished, info)
    return value_words(info, value) + (f" ({interval[0]:.3f}-{interval[1]:.3f})" if interval else "")


def _speed(lane: LaneState) -> str:
    if lane.finished is None or not lane.step or not lane.finished.training_seconds > 0:
        return _UNKNOWN
    if lane.parent is not None:
        return _own_speed(lane, lane.finished)
    seconds = lane.finished.training_seconds
    return f"{lane.step / seconds:,.0f} in {seconds:.2f} s"


def _own_speed(lane: LaneState, finished: LaneFinished) -> str:
    """The speed of a fork since it began or was resumed: its training time includes that of its parent."""
    if lane.began is None:
        return _UNKNOWN
    step, began = lane.began
    seconds = finished.seconds - began
    if lane.step <= step or seconds <= 0:
        return _UNKNOWN
    return f"{(lane.step - step) / seconds:,.0f} in {seconds:.2f} s"

"""The report of a comparison of runs: the table of their lanes, and their curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BadInput, ClipwatchError
from ..runs.compared import (
    ComparedLane,
    ComparedRun,
    common_metrics,
    compared_lanes,
    compared_metrics,
    experiments,
    in_short,
    why_unreadable,
)
from ..runs.event_table import EventTable
from ..runs.folder import RunFolder
from ..runs.lane_settings import FORKED_RUN
from ..runs.reader import read_recording
from ..runs.timeline import Timeline
from ..stream.builtin_experiments import ACCURACY
from ..stream.experiment_info import MetricInfo
from ..stream.fork_words import origin_text
from .blocks import Block, Cell, Heading, KeyPoints, Paragraph, Picture, Table, Warnings
from .compared_cells import UNKNOWN, best_text, setting_cell, step_cell, value_cell
from .compared_figures import WINDOW, comparison_figure, curve
from .document import Format, write_blocks
from .lane_marks import LaneLabel
from .metric_words import capital, metric_name
from .phrases import Phrase, Words
from .settings import setting_name


def report_comparison(folders: Sequence[RunFolder], path: Path, format: Format, language: str) -> list[ComparedRun]:
    """Write a report of several runs; return the runs. Raises ClipwatchError, also if no run can be read."""
    read = [_read(folder) for folder in folders]
    runs, tables = [run for run, _ in read], {place: table for place, (_, table) in enumerate(read) if table}
    if not tables:
        raise BadInput(f"none of the runs can be read: {'; '.join(run.fault for run in runs)}")
    write_blocks(list(_blocks(runs, tables, Words(language))), path, format, language)
    return runs


def _read(folder: RunFolder) -> tuple[ComparedRun, EventTable | None]:
    """A run and its events; no events if it cannot be read."""
    run = ComparedRun(folder.path.name)
    try:
        recorded = read_recording(folder.events, growing=folder.is_being_written())
    except (ClipwatchError, OSError) as error:
        run.fault = why_unreadable(folder, error)
        return run, None
    timeline = Timeline(recorded.table)
    for event in timeline.condensed(0, len(timeline)):
        run.fold(event)
    run.fault = in_short(recorded.damage)
    return run, recorded.table


def _blocks(runs: Sequence[ComparedRun], tables: Mapping[int, EventTable], words: Words) -> Iterator[Block]:
    lanes = {lane.mark: lane for lane in compared_lanes(runs)}
    yield Heading(1, words("compared_title", count=len(tables)))
    yield KeyPoints(tuple(_summary(runs, list(lanes.values()), words)))
    if faults := tuple(_faults(runs, words)):
        yield Warnings(faults)
    yield _table_of_runs(runs, words)
    yield Heading(2, words("compared_lanes"))
    yield Paragraph(words("compared_values"))
    if any(lane.settings["changes"] or lane.settings["fork"] for lane in lanes.values()):
        yield Paragraph(words("compared_changes"))
    yield _table(lanes, compared_metrics(runs), words)
    yield Heading(2, words("compared_curves"))
    yield from _pictures(lanes, tables, compared_metrics(runs), words)


def _faults(runs: Sequence[ComparedRun], words: Words) -> Iterator[Phrase]:
    """The runs that cannot be read, or not in full."""
    for run in runs:
        if run.fault and run.started:
            yield words("warn_damage", damage=f"{run.name}: {run.fault}")
        elif run.fault:
            yield words("compared_left_out", run=run.name, why=run.fault)


def _summary(runs: Sequence[ComparedRun], lanes: Sequence[ComparedLane], words: Words) -> Iterator[Phrase]:
    yield words("compared_runs", count=sum(run.started is not None for run in runs), lanes=len(lanes))
    if len(names := experiments(runs)) > 1:
        metrics = words.join([metric_name(metric, words) for metric in common_metrics(runs)])
        yield words("compared_experiments", experiments=words.join(names), metrics=metrics)
    settings = words.join([setting_name(name, words) for name in lanes[0].differing]) if lanes else ""
    yield words("compared_differ", settings=settings) if settings else words("compared_alike")
    if best := best_text(lanes, common_metrics(runs), words):
        yield best
    yield words("compared_worth")


def _table_of_runs(runs: Sequence[ComparedRun], words: Words) -> Table:
    header = (words.plain("number"), words.plain("compared_run"), words.plain("compared_started"))
    times = (_started(run) for run in runs)
    origins = [run.started.forked_from if run.started else None for run in runs]
    texts = (origin_text(one.lane, one.step, one.run) if one else UNKNOWN for one in origins)
    rows = zip(map(str, range(1, len(runs) + 1)), (run.name for run in runs), times, texts, strict=True)
    if not any(origins):
        return Table(header, tuple(row[:3] for row in rows))
    return Table((*header, setting_name(FORKED_RUN, words)), tuple(rows))


def _started(run: ComparedRun) -> str:
    return f"{datetime.fromtimestamp(run.state.started_at, UTC):%Y-%m-%d %H:%M}" if run.started else UNKNOWN


def _table(lanes: Mapping[str, ComparedLane], metrics: Sequence[MetricInfo], words: Words) -> Table:
    differing = next(iter(lanes.values())).differing if lanes else ()
    given = [metric for metric in metrics if any(lane.value(metric) for lane in lanes.values())]
    header = (
        words.plain("compared_mark"),
        words.plain("lane"),
        words.plain("steps_done"),
        *(_heading(metric, words) for metric in given),
        *(setting_name(name, words) for name in differing if name != FORKED_RUN),
    )
    return Table(header, tuple(_row(mark, lane, given, words) for mark, lane in lanes.items()))


def _heading(metric: MetricInfo, words: Words) -> str:
    name = metric_name(metric, words)
    return words.plain("final_accuracy", metric=name) if metric.name == ACCURACY.name else name


def _row(mark: str, lane: ComparedLane, metrics: Sequence[MetricInfo], words: Words) -> tuple[Cell, ...]:
    return (
        LaneLabel(lane.number, mark),
        lane.state.name,
        step_cell(lane, words),
        *(value_cell(lane, metric, words) for metric in metrics),
        *(setting_cell(lane.settings.get(name), words) for name in lane.differing if name != FORKED_RUN),
    )


def _pictures(
    lanes: Mapping[str, ComparedLane], tables: Mapping[int, EventTable], metrics: Sequence[MetricInfo], words: Words
) -> Iterator[Picture]:
    """A figure for each metric of which there are values."""
    forks = words.plain("compared_forks") if any(lane.state.parent for lane in lanes.values()) else ""
    for number, metric in enumerate(metrics, 1):
        lacking = [mark for mark, lane in lanes.items() if not len(_finite(tables[lane.run], lane, metric))]
        if len(lacking) == len(lanes):
            continue
        shown = metric_name(metric, words)
        without = words.plain("compared_lacking", lanes=words.join(lacking)) if lacking else ""
        caption = words("compared_curve", metric=capital(shown), window=WINDOW, forks=forks, lacking=without)
        # A metric of a user may have any name, which would not do in the name of a file.
        name = metric.name if metric.name in ("loss", ACCURACY.name) else f"metric{number}"
        figure = comparison_figure(lanes, tables, metric, shown, words, name)
        yield Picture(name, figure, caption)


def _finite(table: EventTable, lane: ComparedLane, metric: MetricInfo) -> list[float]:
    _, values = curve(table, lane, metric)
    return [value for value in values.tolist() if value == value]

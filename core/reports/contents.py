"""The blocks of a report of runs, in order, independent of the output format."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ..stream.evaluation_line import evaluation_line
from ..stream.experiment_info import LOSS, MetricInfo
from ..stream.series import evaluated_values
from .blocks import Block, Bullets, Cell, Heading, KeyPoints, Paragraph, Picture, Table, TrainingLog, Warnings
from .comparison import joint_conclusion
from .conclusion import conclusion
from .effect import effect
from .figures import WINDOW, loss_figure, marks_caption, metric_figure, overview_figure, shared_metric
from .gradient import gradient
from .lane_settings import differing_settings, lane_words, own_settings, rule_at_start
from .metric_words import (
    capital,
    cell,
    dataset_words,
    examples_words,
    experiment_name,
    experiment_words,
    metric_name,
    task_words,
)
from .phrases import Phrase, Words
from .run_summary import LaneSummary, RunSummary
from .settings import ASTERISK, compared_with, final_words, settings_table
from .summary import optimizers_of, summary
from .watched import watched_blocks, watched_summary


def contents(runs: Sequence[RunSummary], words: Words) -> list[Block]:
    """A report of one run; or of several, with a table of all and a section for each.

    Raises ClipwatchError if matplotlib is missing.
    """
    if len(runs) == 1 and runs[0].watched:
        return [*_watched(runs[0], words)]
    if len(runs) == 1:
        started = runs[0].recorded.started
        title = words("title", experiment=experiment_words(started.experiment, started.dataset, words))
        return [Heading(1, title), *_run(runs[0], words, level=2, name="", alone=True)]
    experiments = {run.experiment: run for run in runs}
    of = (
        words.plain("of_experiment", experiment=experiment_name(runs[0].experiment, words))
        if len(experiments) == 1
        else ""
    )
    blocks = [Heading(1, words("title_several", count=len(runs), of=of)), KeyPoints(joint_conclusion(runs, words))]
    for run in experiments.values():
        blocks += _task([one for one in runs if one.experiment == run.experiment], words, 2)
    blocks += _all_runs(runs, words)
    for number, run in enumerate(runs, 1):
        blocks.append(Heading(2, words("run", number=number, run=run.name)))
        blocks += _run(run, words, level=3, name=f"run{number}-", alone=False)
    return blocks


def _watched(run: RunSummary, words: Words) -> Iterator[Block]:
    """The report of a loop that clipwatch only watched."""
    yield Heading(1, words("watched_title", model=run.experiment.name))
    yield _subtitle(run, words)
    yield KeyPoints(watched_summary(run, words), tuple(lane.label for lane in run.lanes))
    if warnings := tuple(_warnings(run, words)):
        yield Warnings(warnings)
    yield from watched_blocks(run, words)
    if run.screen:
        yield Picture("screen", run.screen, words("caption_screen"), "screen")


def _all_runs(runs: Sequence[RunSummary], words: Words) -> Iterator[Block]:
    yield Heading(2, words("runs"))
    yield _table_of_runs(runs, words)
    metric = metric_name(shared_metric(runs), words)
    yield Picture("runs", overview_figure(runs, words, "runs"), words("caption_runs", metric=metric))


def _table_of_runs(runs: Sequence[RunSummary], words: Words) -> Table:
    keys = ("number", "seed", "data", "state", "lane", "rule")
    metrics = _final_metrics(runs)
    rows: list[tuple[Cell, ...]] = []
    for number, run in enumerate(runs, 1):
        state = words.plain(f"status_{run.status}")
        state = words.plain("with_changes", what=state) if run.changes else state
        shared = (str(number), str(run.config.seed), dataset_words(run.recorded.started.dataset.name, words), state)
        for place, lane in enumerate(run.lanes):
            finals = (final_words(lane.final, metric) for metric in metrics)
            outcome = (lane.label, lane_words(run, lane, words), *finals)
            rows.append((*(shared if place == 0 else ("",) * len(shared)), *outcome))
    header = (*(words.plain(key) for key in keys), *(_final_name(metric, words) for metric in metrics))
    return Table(header, tuple(rows))


def _final_metrics(runs: Sequence[RunSummary]) -> tuple[MetricInfo, ...]:
    """The loss, and the metrics of all runs."""
    return (LOSS, *dict.fromkeys(metric for run in runs for metric in run.experiment.metrics))


def _final_name(metric: MetricInfo, words: Words) -> str:
    """The heading of a column of final values; the accuracy has intervals."""
    name = metric_name(metric, words)
    return words.plain("final_accuracy", metric=name) if metric.name == "accuracy" else name


def _run(run: RunSummary, words: Words, *, level: int, name: str, alone: bool) -> Iterator[Block]:
    yield _subtitle(run, words)
    if origin := run.recorded.started.forked_from:
        yield Paragraph(words("forked_from", run=origin.run, lane=origin.lane, step=f"{origin.step:,}"))
    # A report of several runs says it once.
    seed = words.plain("summary_one_seed") if alone else ""
    yield KeyPoints(summary(run, words, seed=seed), tuple(lane.label for lane in run.lanes))
    if warnings := tuple(_warnings(run, words)):
        yield Warnings(warnings)
    if alone:
        yield from _task([run], words, level)
    yield from _results(run, words, level, name)
    yield Heading(level, words("effect"))
    yield from effect(run, words, name)
    yield from gradient(run, words, name)
    yield Heading(level, words("conclusion"))
    yield Bullets(conclusion(run, words, alone=alone))
    yield from _network(run, words, level)
    yield from _log(run, words, level)


def _subtitle(run: RunSummary, words: Words) -> Paragraph:
    time = datetime.fromtimestamp(run.recorded.started.time, UTC)
    status = words.plain(f"status_{run.status}")
    return Paragraph(words("subtitle", run=run.name, time=f"{time:%Y-%m-%d %H:%M}", status=status))


def _warnings(run: RunSummary, words: Words) -> Iterator[Phrase]:
    if run.status != "completed":
        yield words(f"warn_{run.status}")
    for failed in (lane.failed for lane in run.lanes if lane.failed):
        reason = words.plain(f"reason_{failed.reason}")
        yield words("warn_lane_failed", lane=failed.lane, step=failed.step, reason=reason, cause=failed.cause)
    for damage in run.recorded.damage:
        yield words("warn_damage", damage=damage)
    for notice in run.notices:
        yield words("warn_notice", notice=notice)


def _task(runs: Sequence[RunSummary], words: Words, level: int) -> Iterator[Block]:
    """What these runs of one experiment train, and what their lanes share."""
    run = runs[0]
    yield Heading(level, words("task" if run.is_assignment else "trained"))
    if run.is_assignment:
        yield Paragraph(words("task_text"))
    elif task := task_words(run.experiment, run.config.settings, words):
        yield Paragraph(task)
    forks = words.plain("task_forks") if any(lane.parent for run in runs for lane in run.lanes) else ""
    differing = [found for run in runs if (found := differing_settings(run, words))]
    if differing:
        yield Paragraph(words("task_lanes_differ", forks=forks))
    else:
        yield Paragraph(words("task_lanes_forked" if forks else "task_lanes", forks=forks))


def _network(run: RunSummary, words: Words, level: int) -> Iterator[Block]:
    yield Heading(level, words("network"))
    if run.is_assignment:
        yield Paragraph(words("network_text"))
        yield Paragraph(words(f"network_{run.config.settings['head']}"))
    elif not run.experiment.file and words.known(key := f"network_{run.experiment.name}", "", **run.config.settings):
        yield Paragraph(words(key, **run.config.settings))
    sizes = [lane.parameters for lane in run.lanes if lane.parameters]
    optimizers = optimizers_of(run)
    updates = [words.plain(f"update_{name}") for name in optimizers] or [words.plain("update_own")]
    optimizer = words.plain("update_by_lane", optimizers=words.join(updates)) if len(updates) > 1 else updates[0]
    start = words.plain("network_start_lenet") if run.is_assignment else ""
    parameters = f"{sizes[0]:,}" if sizes else "?"
    yield Paragraph(words("network_size", parameters=parameters, start=start, optimizer=optimizer))
    table = settings_table(run, words)
    yield table
    if any(str(row[1]).endswith(ASTERISK) for row in table.rows):
        yield Paragraph(words("asterisk", compared=words.plain(compared_with(run))))


def _results(run: RunSummary, words: Words, level: int, name: str) -> Iterator[Block]:
    yield Heading(level, words("results"))
    yield Paragraph(words("results_text"))
    counted = any(lane.final and lane.final.interval for lane in run.lanes)
    if counted:
        yield Paragraph(words("results_wilson"))
    yield _table_of_lanes(run, words)
    marks = marks_caption(run, words)
    validation = examples_words(run.experiment, words, "validation")
    caption = {"count": run.config.eval_size, "validation": validation, "marks": marks}
    # A metric of a user may have any name, which would not do in the name of a file.
    loss, metric = f"{name}loss", f"{name}{'accuracy' if run.experiment.main.name == 'accuracy' else 'metric'}"
    yield Picture(loss, loss_figure(run, words, loss), words("caption_loss", window=WINDOW, **caption))
    if run.experiment.main != LOSS:
        shown = metric_name(run.experiment.main, words)
        final = words.plain("caption_final", metric=shown) if counted else ""
        figure = metric_figure(run, words, metric)
        yield Picture(metric, figure, words("caption_accuracy", metric=capital(shown), final=final, **caption))
    if run.screen:
        yield Picture(f"{name}screen", run.screen, words("caption_screen"), "screen")


def _table_of_lanes(run: RunSummary, words: Words) -> Table:
    own = any(own_settings(run, lane, words) for lane in run.lanes)
    header = [words.plain(key) for key in ("lane", "rule", *["own_settings"] * own, "steps_done")]
    header += [_final_name(metric, words) for metric in _final_metrics([run])]
    values = " / ".join(metric_name(metric, words) for metric in _batch_metrics(run))
    examples = examples_words(run.experiment, words)
    header.append(words.plain("last_batch", count=run.config.eval_size, examples=examples, values=values))
    rows = tuple(_row_of_lane(lane, run, words, own=own) for lane in run.lanes)
    return Table((*header, words.plain("training_time")), rows)


def _batch_metrics(run: RunSummary) -> tuple[MetricInfo, ...]:
    """What is shown of the last validation batch: the most important metric, and the loss."""
    return tuple(dict.fromkeys((run.experiment.main, LOSS)))


def _row_of_lane(lane: LaneSummary, run: RunSummary, words: Words, *, own: bool) -> tuple[Cell, ...]:
    final, latest = lane.final, evaluated_values(lane.evaluations[-1]) if lane.evaluations else None
    batch = [cell(metric, latest.get(metric.name, math.nan)) for metric in _batch_metrics(run)] if latest else ["-"]
    return (
        lane.label,
        rule_at_start(lane, words),
        *([words.plain("comma").join(own_settings(run, lane, words)) or "-"] if own else []),
        str(lane.step),
        *(final_words(final, metric) for metric in _final_metrics([run])),
        " / ".join(batch),
        words.plain("seconds", seconds=f"{final.seconds:.2f}") if final else "-",
    )


def _log(run: RunSummary, words: Words, level: int) -> Iterator[Block]:
    yield Heading(level, words("log"))
    yield Paragraph(words("repeat", run=shlex.quote(run.name)))
    columns = [{event.step: evaluation_line(event, run.experiment) for event in lane.evaluations} for lane in run.lanes]
    steps = sorted({step for lines in columns for step in lines})
    if not steps:
        yield Paragraph(words("log_empty"))
        return
    rows = tuple(tuple(lines.get(step, "") for lines in columns) for step in steps)
    yield TrainingLog(tuple(lane.label for lane in run.lanes), rows)

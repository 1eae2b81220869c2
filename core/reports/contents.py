"""The blocks of a report of runs, in order, independent of the output format."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ..stream.evaluation_line import evaluation_line
from .blocks import Block, Bullets, Cell, Heading, Paragraph, Picture, Summary, Table, TrainingLog, Warnings
from .comparison import joint_conclusion
from .conclusion import conclusion
from .effect import effect
from .figures import WINDOW, accuracy_figure, loss_figure, overview_figure
from .gradient import gradient
from .phrases import Phrase, Words
from .run_summary import LaneSummary, RunSummary
from .settings import ASTERISK, accuracy_words, dataset_words, lane_rule_words, settings_table
from .summary import summary


def contents(runs: Sequence[RunSummary], words: Words) -> list[Block]:
    """A report of one run; or of several, with a table of all and a section for each.

    Raises ClipwatchError if matplotlib is missing.
    """
    if len(runs) == 1:
        dataset = dataset_words(runs[0].recorded.started.dataset.name, words)
        return [Heading(1, words("title", dataset=dataset)), *_run(runs[0], words, level=2, name="", alone=True)]
    blocks = [Heading(1, words("title_several", count=len(runs))), Summary(joint_conclusion(runs, words))]
    blocks += [*_task(words, 2), *_all_runs(runs, words)]
    for number, run in enumerate(runs, 1):
        blocks.append(Heading(2, words("run", number=number, run=run.name)))
        blocks += _run(run, words, level=3, name=f"run{number}-", alone=False)
    return blocks


def _all_runs(runs: Sequence[RunSummary], words: Words) -> Iterator[Block]:
    yield Heading(2, words("runs"))
    yield _table_of_runs(runs, words)
    yield Picture("runs", overview_figure(runs, words, "runs"), words("caption_runs"))


def _table_of_runs(runs: Sequence[RunSummary], words: Words) -> Table:
    keys = ("number", "seed", "data", "state", "lane", "rule", "final_loss", "final_accuracy")
    rows: list[tuple[Cell, ...]] = []
    for number, run in enumerate(runs, 1):
        state = words.plain(f"status_{run.status}")
        state = words.plain("with_changes", what=state) if run.interventions else state
        shared = (str(number), str(run.config.seed), dataset_words(run.recorded.started.dataset.name, words), state)
        for place, lane in enumerate(run.lanes):
            loss = f"{lane.final.loss:.4f}" if lane.final else "-"
            outcome = (lane.label, lane_rule_words(lane, words), loss, accuracy_words(lane.final))
            rows.append((*(shared if place == 0 else ("",) * len(shared)), *outcome))
    return Table(tuple(words.plain(key) for key in keys), tuple(rows))


def _run(run: RunSummary, words: Words, *, level: int, name: str, alone: bool) -> Iterator[Block]:
    time = datetime.fromtimestamp(run.recorded.started.time, UTC)
    status = words.plain(f"status_{run.status}")
    yield Paragraph(words("subtitle", run=run.name, time=f"{time:%Y-%m-%d %H:%M}", status=status))
    yield Summary(summary(run, words, alone=alone), tuple(lane.label for lane in run.lanes))
    if warnings := tuple(_warnings(run, words)):
        yield Warnings(warnings)
    if alone:
        yield from _task(words, level)
    yield from _results(run, words, level, name)
    yield Heading(level, words("effect"))
    yield from effect(run, words, name)
    yield from gradient(run, words, name)
    yield Heading(level, words("conclusion"))
    yield Bullets(conclusion(run, words, alone=alone))
    yield from _network(run, words, level)
    yield from _log(run, words, level)


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


def _task(words: Words, level: int) -> Iterator[Block]:
    yield Heading(level, words("task"))
    yield Paragraph(words("task_text"))
    yield Paragraph(words("task_lanes"))


def _network(run: RunSummary, words: Words, level: int) -> Iterator[Block]:
    yield Heading(level, words("network"))
    yield Paragraph(words("network_text"))
    yield Paragraph(words(f"network_{run.config.settings['head']}"))
    sizes = [lane.parameters for lane in run.lanes if lane.parameters]
    optimizer = words.plain(f"update_{run.config.optimizer}")
    yield Paragraph(words("network_size", parameters=f"{sizes[0]:,}" if sizes else "?", optimizer=optimizer))
    table = settings_table(run, words)
    yield table
    if any(str(value).endswith(ASTERISK) for _, value, *_ in table.rows):
        yield Paragraph(words("asterisk"))


def _results(run: RunSummary, words: Words, level: int, name: str) -> Iterator[Block]:
    yield Heading(level, words("results"))
    yield Paragraph(words("results_text"))
    yield _table_of_lanes(run, words)
    marks = words.plain("caption_marks") if run.interventions else ""
    caption = {"count": run.config.eval_size, "window": WINDOW, "marks": marks}
    loss, accuracy = f"{name}loss", f"{name}accuracy"
    yield Picture(loss, loss_figure(run, words, loss), words("caption_loss", **caption))
    yield Picture(accuracy, accuracy_figure(run, words, accuracy), words("caption_accuracy", **caption))
    if run.screen:
        yield Picture(f"{name}screen", run.screen, words("caption_screen"), "screen")


def _table_of_lanes(run: RunSummary, words: Words) -> Table:
    header = [words.plain(key) for key in ("lane", "rule", "steps_done", "final_loss", "final_accuracy")]
    header += [words.plain("last_batch", count=run.config.eval_size), words.plain("training_time")]
    return Table(tuple(header), tuple(_row_of_lane(lane, words) for lane in run.lanes))


def _row_of_lane(lane: LaneSummary, words: Words) -> tuple[Cell, ...]:
    final, latest = lane.final, lane.evaluations[-1] if lane.evaluations else None
    return (
        lane.label,
        lane_rule_words(lane, words),
        str(lane.step),
        f"{final.loss:.4f}" if final else "-",
        accuracy_words(final),
        f"{latest.accuracy:g} / {latest.loss:.4f}" if latest else "-",
        words.plain("seconds", seconds=f"{final.seconds:.2f}") if final else "-",
    )


def _log(run: RunSummary, words: Words, level: int) -> Iterator[Block]:
    yield Heading(level, words("log"))
    yield Paragraph(words("repeat", run=shlex.quote(run.name)))
    columns = [{event.step: evaluation_line(event) for event in lane.evaluations} for lane in run.lanes]
    steps = sorted({step for lines in columns for step in lines})
    if not steps:
        yield Paragraph(words("log_empty"))
        return
    rows = tuple(tuple(lines.get(step, "") for lines in columns) for step in steps)
    yield TrainingLog(tuple(lane.label for lane in run.lanes), rows)

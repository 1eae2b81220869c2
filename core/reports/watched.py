"""The report of a watched loop: what it did to its gradients, and only what is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..stream.audit_words import audit_words, by_importance, is_mistake
from ..stream.evaluation_line import evaluation_line
from ..stream.events import Evaluated, LoopAudited, ResourcesMeasured
from ..stream.experiment_info import LOSS, MetricInfo
from ..stream.lane_state import LaneState
from ..stream.measures import Measure
from ..stream.series import evaluated_values
from .blocks import Block, Bullets, Cell, Heading, Paragraph, Picture, Table, TrainingLog
from .effect import effect
from .figures import marks_caption
from .gradient import gradient
from .metric_words import capital, cell, file_words, metric_name
from .phrases import Phrase, Words
from .run_summary import LaneSummary, RunSummary
from .settings import rule_words
from .watched_chinese import CHINESE_FINDINGS
from .watched_figures import evaluation_figure, gives, step_figure

_MEGABYTE, _GIGABYTE = 1e6, 1e9


def watched_summary(run: RunSummary, words: Words) -> tuple[Phrase, ...]:
    """The loop, what the audit found, and the last evaluations."""
    lanes = [
        words.plain("watched_observed" if _is_observed(lane) else "watched_ruled", **_ruled(lane, words))
        for lane in run.lanes
    ]
    sizes = [f"{lane.parameters:,}" for lane in run.lanes if lane.parameters]
    what = words(
        "watched_what",
        model=run.experiment.name,
        parameters=words.join(sizes) or "?",
        script=_script(run, words),
        steps=words.join([f"{lane.step:,}" for lane in run.lanes]),
        lanes=" ".join(lanes),
    )
    evaluated = [_last_evaluation(lane, lane.evaluations[-1], run, words) for lane in run.lanes if lane.evaluations]
    return what, *_findings(run, words), *evaluated


def watched_blocks(run: RunSummary, words: Words) -> Iterator[Block]:
    """All sections of the report."""
    yield Heading(2, words("watched_audit"))
    findings = tuple(_findings(run, words))
    yield Paragraph(words("watched_audit_text" if findings else "watched_audit_nothing"))
    if findings:
        yield Bullets(findings)
    yield Heading(2, words("effect"))
    yield from effect(run, words, "")
    yield from gradient(run, words, "")
    yield from _layers(run, words)
    yield Heading(2, words("watched_losses"))
    yield from _losses(run, words)
    yield Heading(2, words("watched_loop"))
    yield Paragraph(words("watched_loop_text"))
    yield Table((words.plain("setting"), words.plain("this_run")), tuple(_facts(run, words)))
    yield from _resources(run, words)
    yield from _log(run, words)


def _states(run: RunSummary) -> dict[str, LaneState]:
    return run.state.lanes


def _findings(run: RunSummary, words: Words) -> Iterator[Phrase]:
    for name, lane in _states(run).items():
        for event in by_importance(lane.audit):
            key = "watched_audit_mistake" if is_mistake(event) else "watched_audit_item"
            yield words(key, lane=name, finding=_finding(event, words), step=f"{event.step:,}")


def _finding(event: LoopAudited, words: Words) -> str:
    """A finding as a sentence, in Chinese with the figures that are known."""
    if words.language == "zh":
        for form in CHINESE_FINDINGS.get(event.finding, ()):
            with suppress(KeyError):
                return form.format(**event.figures)
    return audit_words(event)[0]


def _is_observed(lane: LaneSummary) -> bool:
    return lane.rule == "none" and not lane.changed_at


def _ruled(lane: LaneSummary, words: Words) -> dict[str, str]:
    return {"lane": lane.name, "rule": rule_words(lane.rule, words)}


def _script(run: RunSummary, words: Words) -> str:
    return file_words(run.experiment)["file"] or words.plain("watched_unknown_script")


def _last_evaluation(lane: LaneSummary, event: Evaluated, run: RunSummary, words: Words) -> Phrase:
    known = evaluated_values(event)
    values = [
        words.plain("watched_value", metric=metric_name(metric, words), value=cell(metric, known[metric.name]))
        for metric in _metrics(run)
        if metric.name in known
    ]
    return words("watched_last_evaluation", lane=lane.name, step=f"{event.step:,}", values=words.join(values))


def _metrics(run: RunSummary) -> tuple[MetricInfo, ...]:
    """What the loop's evaluations give: its metrics, and the loss."""
    return (*run.experiment.metrics, LOSS)


def _layers(run: RunSummary, words: Words) -> Iterator[Block]:
    """The last measurement by layer."""
    measured = [lane for lane in run.lanes if lane.measured]
    if measured:
        yield Heading(2, words("watched_layers"))
    keys = ("layer", "norms", "elements_clipped", "cosine", "update_ratio", "counterfactual_cosine")
    for lane in measured:
        last = lane.measured[-1]
        yield Paragraph(words("watched_layers_text", lane=lane.name, step=f"{last.step:,}"))
        rows = tuple(_layer_row(name, measure) for name, measure in last.layers.items())
        yield Table(tuple(words.plain(key) for key in keys), rows)


def _layer_row(name: str, measure: Measure) -> tuple[Cell, ...]:
    return (
        name,
        f"{measure.norm:.3g} / {measure.clipped_norm:.3g}",
        f"{measure.clipped_share:.1%}",
        "-" if measure.cosine is None else f"{measure.cosine:.3f}",
        "-" if measure.update_ratio is None else f"{measure.update_ratio:.2e}",
        "-" if measure.shadow_cosine is None else f"{measure.shadow_cosine:.3f}",
    )


def _losses(run: RunSummary, words: Words) -> Iterator[Block]:
    """A figure of each series that the loop gives: of its steps, and of its evaluations."""
    marks = marks_caption(run, words)
    train_loss = MetricInfo("train-loss", words.plain("watched_train_loss"))
    figures = 0
    for number, metric in enumerate((train_loss, *run.experiment.step_metrics)):
        if any(gives(lane, metric.name) for lane in run.lanes):
            figures += 1
            # A metric may have any name, which would not do in the name of a file.
            name, label = f"steps{number}", metric_name(metric, words)
            caption = words("watched_caption_steps", metric=capital(label), marks=marks)
            yield Picture(name, step_figure(run, words, metric.name, label, name), caption)
    for number, metric in enumerate((LOSS, *run.experiment.metrics)):
        if any(metric.name in evaluated_values(event) for lane in run.lanes for event in lane.evaluations):
            figures += 1
            name, label = f"evaluations{number}", metric_name(metric, words)
            caption = words("watched_caption_evaluations", metric=capital(label), marks=marks)
            yield Picture(name, evaluation_figure(run, words, metric, label, name), caption)
    if not figures:
        yield Paragraph(words("watched_no_losses"))


def _facts(run: RunSummary, words: Words) -> Iterator[tuple[str, str]]:
    """What is known of the loop."""
    started, states = run.recorded.started, _states(run)
    yield words.plain("watched_model"), run.experiment.name
    yield words.plain("watched_script"), _script(run, words)
    for lane in run.lanes:
        state = states.get(lane.name)
        rule = words.plain("watched_no_rule") if _is_observed(lane) else rule_words(lane.rule, words)
        planned = state.planned if state else None
        done = f"{lane.step:,}"
        steps = words.plain("watched_steps_of", done=done, planned=f"{planned:,}") if planned else done
        if lane.parameters:
            yield words.plain("watched_parameters", lane=lane.name), f"{lane.parameters:,}"
        yield words.plain("watched_steps", lane=lane.name), steps
        yield words.plain("watched_rule", lane=lane.name), rule
        if state and state.skipped:
            yield words.plain("watched_skipped", lane=lane.name), f"{state.skipped:,}"
    yield words.plain("watched_every"), words.plain("watched_every_steps", count=f"{started.config.eval_every:,}")
    yield words.plain("set_device"), started.device
    yield words.plain("set_versions"), ", ".join(f"{name} {version}" for name, version in started.versions.items())


def _resources(run: RunSummary, words: Words) -> Iterator[Block]:
    used = [event for event in run.recorded.table.others if isinstance(event, ResourcesMeasured)]
    if not used:
        return
    cores = [event.processor for event in used]
    on_gpu = [event.gpu_memory for event in used if event.gpu_memory is not None]
    shares = [event.gpu_share for event in used if event.gpu_share is not None]
    gpu = words.plain("watched_gpu", memory=_size(max(on_gpu))) if on_gpu else ""
    gpu += words.plain("watched_gpu_share", share=f"{sum(shares) / len(shares):.0%}") if shares else ""
    yield Heading(2, words("watched_resources"))
    yield Paragraph(
        words(
            "watched_resources_text",
            cores=f"{sum(cores) / len(cores):.1f}",
            most=f"{max(cores):.1f}",
            memory=_size(max(event.memory for event in used)),
            gpu=gpu,
        )
    )


def _size(count: int) -> str:
    return f"{count / _GIGABYTE:.1f} GB" if count >= _GIGABYTE else f"{count / _MEGABYTE:.0f} MB"


def _log(run: RunSummary, words: Words) -> Iterator[Block]:
    columns = [{event.step: evaluation_line(event, run.experiment) for event in lane.evaluations} for lane in run.lanes]
    if steps := sorted({step for lines in columns for step in lines}):
        yield Heading(2, words("watched_log"))
        rows = tuple(tuple(lines.get(step, "") for lines in columns) for step in steps)
        yield TrainingLog(tuple(lane.label for lane in run.lanes), rows)

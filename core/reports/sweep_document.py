"""The report of a sweep: question, answer, figures, one run among all seeds, and method."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BadInput
from ..stream.builtin_experiments import BUILT_IN, LENET, BuiltIn
from ..stream.sweep_config import is_stackable
from ..stream.sweep_events import Results
from ..sweeps.comparisons import Comparison, Summary, comparisons, summaries
from ..sweeps.grid_map import grid_map
from ..sweeps.store import SweepFolder, read_sweep
from .blocks import Block, Bullets, Heading, Paragraph, Picture, Warnings
from .document import Format, write_blocks
from .metric_words import capital, cell, examples_words, experiment_words, file_words, metric_name, task_words
from .phrases import Phrase, Words
from .settings import origin_words
from .sweep_figures import curve_figure, difference_figure, distribution_figure
from .sweep_map import sensitivity
from .sweep_tables import table_of_comparisons, table_of_dead, table_of_settings
from .sweep_words import answers, setting_words

_METHOD = ("pairing", "measured", "intervals", "rule", "map", "dead", "stacked")


def report_sweep(folder: SweepFolder, output: Path | None, format: Format | None, language: str) -> Path:
    """Write the report of one sweep and return its path. Raises BadInput if no training is finished yet."""
    sweep = read_sweep(folder)
    if not sweep.results.replicas:
        raise BadInput(f"sweep {folder.path}: no training is finished yet, so there is nothing to report")
    default: Format = "md" if output and output.suffix.lower() in (".md", ".markdown") else "html"
    path = output or Path(f"report.{format or default}")
    blocks = sweep_contents(folder.path.resolve().name, sweep.results, sweep.damage, Words(language))
    write_blocks(blocks, path, format or default, language)
    return path


def sweep_contents(name: str, results: Results, damage: Sequence[str], words: Words) -> list[Block]:
    """The blocks of the report, in order."""
    return list(_contents(name, results, damage, words))


def _contents(name: str, results: Results, damage: Sequence[str], words: Words) -> Iterator[Block]:
    described, compared = summaries(results), comparisons(results)
    yield from _head(name, results, damage, words)
    yield Heading(2, words("sweep_answer"))
    yield Bullets(tuple(answers(results, compared, words)))
    yield from sensitivity(results, described, words)
    if described:
        yield from _distributions(described, words)
    if compared:
        yield from _differences(compared, BUILT_IN.get(results.started.config.base.experiment), words)
    if described:
        yield from _one_run(results, described, compared, words)
    yield from _method(results, described, words)


def _is_assignment(results: Results) -> bool:
    """Whether LeNet was trained, which the assignment is about."""
    return results.started.config.base.experiment == LENET.info.name


def _distributions(described: Sequence[Summary], words: Words) -> Iterator[Block]:
    yield Heading(2, words("sweep_distributions"))
    figure = distribution_figure(described, words, "distributions")
    dying = [summary for summary in described if summary.can_die]
    colour = words.plain("sweep_caption_colour") if dying else ""
    caption = words("sweep_caption_distributions", metric=metric_name(described[0].metric, words), colour=colour)
    yield Picture("distributions", figure, caption, "tall")
    yield table_of_settings(described, words)
    if dying:
        yield Heading(2, words("sweep_cause"))
        yield Paragraph(words("sweep_cause_text"))
        yield table_of_dead(dying, words)


def _differences(compared: Sequence[Comparison], experiment: BuiltIn | None, words: Words) -> Iterator[Block]:
    """The paired differences. Only the loss of a built-in experiment is known to be a cross-entropy in nats."""
    yield Heading(2, words("sweep_differences"))
    figure = difference_figure(compared, words, "differences")
    yield Picture("differences", figure, words("sweep_caption_differences"), "tall")
    yield table_of_comparisons(compared, words, nats=experiment is not None)
    yield Bullets(tuple(_units(compared, experiment, words)))


def _units(compared: Sequence[Comparison], experiment: BuiltIn | None, words: Words) -> Iterator[Phrase]:
    """What the units and the correlation mean."""
    if any(one.metric.share for one in compared[0].differences):
        yield words("sweep_unit_points")
    if experiment and experiment.classes:
        chance = f"{math.log(experiment.classes):.3f}"
        yield words("sweep_unit_nats", classes=experiment.classes, chance=chance)
    yield words("sweep_unit_r")


def _method(results: Results, described: Sequence[Summary], words: Words) -> Iterator[Block]:
    yield Heading(2, words("sweep_method"))
    started = results.started
    used = {
        "map": grid_map(results, described) is not None,
        "dead": any(summary.can_die for summary in described),
        "stacked": any(is_stackable(setting.config) for setting in started.config.settings),
    }
    nouns = {
        "examples": examples_words(started.experiment, words),
        "validation": examples_words(started.experiment, words, "validation"),
    }
    yield Bullets(tuple(words(f"sweep_method_{part}", **nouns) for part in _METHOD if used.get(part, True)))
    versions = ", ".join(f"{package} {version}" for package, version in started.versions.items())
    origin = file_words(started.experiment)["file"] or origin_words(started.dataset.origin, words)
    yield Paragraph(words("sweep_data", origin=origin, checksum=started.dataset.checksum[:16], versions=versions))


def _head(name: str, results: Results, damage: Sequence[str], words: Words) -> Iterator[Block]:
    """Title, progress, warnings and the question."""
    config, dataset, experiment = results.started.config, results.started.dataset, results.started.experiment
    time = datetime.fromtimestamp(results.started.time, UTC)
    title = "sweep_title" if len(config.settings) > 1 else "sweep_title_one"
    subject = experiment_words(experiment, dataset, words)
    yield Heading(1, words(title, count=len(config.settings), experiment=capital(subject)))
    done, total = f"{len(results.replicas):,}", f"{config.replicas:,}"
    yield Paragraph(words("sweep_subtitle", sweep=name, time=f"{time:%Y-%m-%d %H:%M}", done=done, total=total))
    if warnings := tuple(_warnings(results, damage, words)):
        yield Warnings(warnings)
    yield Heading(2, words("sweep_question"))
    settings = {name: ", ".join(map(str, values)) for name, values in config.axes.items()}
    if _is_assignment(results):
        yield Paragraph(words("sweep_question_assignment"))
    elif task := task_words(experiment, config.base.settings | settings, words):
        yield Paragraph(task)
    plan = {"iterations": f"{config.base.iterations:,}", "batch_size": config.base.batch_size}
    validation = examples_words(experiment, words, "validation")
    yield Paragraph(words("sweep_question_text", **plan, total=f"{dataset.validation:,}", validation=validation))


def _warnings(results: Results, damage: Sequence[str], words: Words) -> Iterator[Phrase]:
    if results.unfinished:
        yield words("sweep_unfinished")
    for setting in results.started.config.settings:
        number = sum(replica.setting == setting.number for replica in results.replicas.values())
        if diverged := number - len(results.of(setting.number)):
            yield words("sweep_diverged", setting=setting_words(setting, words), count=diverged)
    for text in damage:
        yield words("warn_damage", damage=text)


def _one_run(
    results: Results, described: Sequence[Summary], compared: Sequence[Comparison], words: Words
) -> Iterator[Block]:
    """The section on the first seed, compared with all seeds."""
    if not any(replica.curve for replica in results.replicas.values()):
        return
    seed = results.started.config.every_seed[0]
    yield Heading(2, words("sweep_one_run"))
    figure = curve_figure(results, compared, words, "curves")
    assignment = words.plain("sweep_caption_assignment") if _is_assignment(results) else ""
    yield Picture("curves", figure, words("sweep_caption_curves", assignment=assignment), "tall")
    ranks = (_rank(results, summary, seed, words) for summary in described)
    yield Bullets(tuple(text for text in ranks if text))


def _rank(results: Results, summary: Summary, seed: int, words: Words) -> Phrase | None:
    """The rank of one seed's result among all seeds of a setting; None if the seed has no result."""
    metric, replica = summary.metric, results.of(summary.setting.number).get(seed)
    if replica is None or replica.figures is None:
        return None
    value, values = replica.figures.of(metric.name), summary.of(metric.name)
    return words(
        "sweep_place",
        setting=setting_words(summary.setting, words),
        seed=seed,
        metric=metric_name(metric, words),
        value=cell(metric, value),
        dead=words.plain("sweep_place_dead", dead=len(replica.dead)) if summary.can_die else "",
        below=sum(other < value for other in values),
        count=len(values),
    )

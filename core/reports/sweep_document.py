"""The report of a sweep: question, answer, figures, one run among all seeds, and method."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BadInput
from ..statistics.intervals import wilson_interval
from ..statistics.paired import PairedDifferences, is_exploratory
from ..stream.sweep_events import Results
from ..sweeps.comparisons import Comparison, Summary, comparisons, summaries
from ..sweeps.store import SweepFolder, read_sweep
from .blocks import Block, Bullets, Heading, Paragraph, Picture, Table, Warnings
from .document import Format, write_blocks
from .phrases import Phrase, Words
from .settings import dataset_words, origin_words
from .sweep_figures import curve_figure, difference_figure, distribution_figure
from .sweep_words import answers, by_dead_words, p_words, pair_words, setting_words

_METHOD = ("pairing", "measured", "intervals", "rule", "dead", "stacked")


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
    if described:
        yield Heading(2, words("sweep_distributions"))
        figure = distribution_figure(described, words, "distributions")
        yield Picture("distributions", figure, words("sweep_caption_distributions"), "tall")
        yield _table_of_settings(described, words)
        yield from _cause(described, words)
    if compared:
        yield Heading(2, words("sweep_differences"))
        figure = difference_figure(compared, words, "differences")
        yield Picture("differences", figure, words("sweep_caption_differences"), "tall")
        yield _table_of_comparisons(compared, words)
        yield Bullets(tuple(words(f"sweep_unit_{unit}") for unit in ("points", "nats", "r")))
    if described:
        yield from _one_run(results, described, compared, words)
    yield Heading(2, words("sweep_method"))
    yield Bullets(tuple(words(f"sweep_method_{part}") for part in _METHOD))
    dataset = results.started.dataset
    versions = ", ".join(f"{package} {version}" for package, version in results.started.versions.items())
    origin = origin_words(dataset.origin, words)
    yield Paragraph(words("sweep_data", origin=origin, checksum=dataset.checksum[:16], versions=versions))


def _head(name: str, results: Results, damage: Sequence[str], words: Words) -> Iterator[Block]:
    """Title, progress, warnings and the question."""
    config, dataset = results.started.config, results.started.dataset
    time = datetime.fromtimestamp(results.started.time, UTC)
    title = "sweep_title" if len(config.settings) > 1 else "sweep_title_one"
    yield Heading(1, words(title, count=len(config.settings), dataset=dataset_words(dataset.name, words)))
    done, total = f"{len(results.replicas):,}", f"{config.replicas:,}"
    yield Paragraph(words("sweep_subtitle", sweep=name, time=f"{time:%Y-%m-%d %H:%M}", done=done, total=total))
    if warnings := tuple(_warnings(results, damage, words)):
        yield Warnings(warnings)
    yield Heading(2, words("sweep_question"))
    plan = {"iterations": f"{config.base.iterations:,}", "batch_size": config.base.batch_size}
    yield Paragraph(words("sweep_question_text", **plan, total=f"{dataset.validation:,}"))


def _warnings(results: Results, damage: Sequence[str], words: Words) -> Iterator[Phrase]:
    if results.unfinished:
        yield words("sweep_unfinished")
    for setting in results.started.config.settings:
        number = sum(replica.setting == setting.number for replica in results.replicas.values())
        if diverged := number - len(results.of(setting.number)):
            yield words("sweep_diverged", setting=setting_words(setting, words), count=diverged)
    for text in damage:
        yield words("warn_damage", damage=text)


def _table_of_settings(described: Sequence[Summary], words: Words) -> Table:
    keys = ("setting", *(f"sweep_{key}" for key in ("seeds", "median_accuracy", "range", "median_loss", "mean_dead")))
    rows = []
    for summary in described:
        median, low, high = summary.range
        spread = words.plain("sweep_from_to", low=f"{low:.3f}", high=f"{high:.3f}")
        dead = f"{summary.mean_dead:.1f}" if summary.setting.config.settings.get("head") == "relu" else "-"
        figures = (f"{median:.3f}", spread, f"{summary.median_loss:.3f}", dead)
        rows.append((setting_words(summary.setting, words), str(len(summary.accuracies)), *figures))
    return Table(tuple(words.plain(key) for key in keys), tuple(rows))


def _cause(described: Sequence[Summary], words: Words) -> Iterator[Block]:
    """The section on dead outputs, for the settings in which outputs can die."""
    dying = [summary for summary in described if summary.setting.config.settings.get("head") == "relu"]
    if not dying:
        return
    yield Heading(2, words("sweep_cause"))
    yield Paragraph(words("sweep_cause_text"))
    rows = [
        (setting_words(summary.setting, words), by_dead_words(summary), _correlation(summary.dead_correlation))
        for summary in dying
    ]
    yield Table((words.plain("setting"), words.plain("sweep_by_dead"), "r"), tuple(rows))


def _table_of_comparisons(compared: Sequence[Comparison], words: Words) -> Table:
    keys = ("difference", "quantity", "mean", "median", "adjusted", "better")
    difference, unit, mean, median, adjusted, better = (words.plain(f"sweep_{key}") for key in keys)
    rows = []
    for comparison in compared:
        accuracy, loss = comparison.accuracy, comparison.loss
        points = _cells(accuracy, comparison.accuracy_p, 2, _share(accuracy.wins, accuracy.n, words), words)
        lower = _share(loss.n - loss.wins - loss.ties, loss.n, words)
        nats = _cells(loss, comparison.loss_p, 3, lower, words)
        rows.append((pair_words(comparison, words), words.plain("sweep_accuracy_points"), *points))
        rows.append(("", words.plain("sweep_loss_nats"), *nats))
    return Table((difference, unit, mean, median, "p", adjusted, better, "r"), tuple(rows))


def _cells(found: PairedDifferences, adjusted: float, digits: int, better: str, words: Words) -> tuple[str, ...]:
    low, high = (f"{bound:+.{digits}f}" for bound in found.interval)
    bounded = math.isfinite(found.interval[0])
    interval = words.plain("sweep_from_to", low=low, high=high) if bounded else words.plain("sweep_no_interval")
    return (
        f"{found.mean:+.{digits}f} ({interval})",
        f"{found.median:+.{digits}f}",
        ("" if found.exact else "~") + p_words(found.p),
        words.plain("sweep_too_few") if is_exploratory(found, adjusted) else p_words(adjusted),
        better,
        _correlation(found.correlation),
    )


def _share(count: int, total: int, words: Words) -> str:
    """The count of the seeds and the 95 % Wilson interval of their share."""
    low, high = (f"{bound:.2f}" for bound in wilson_interval(count, total))
    return words.plain("sweep_share", count=count, total=total, low=low, high=high)


def _correlation(value: float | None) -> str:
    return "-" if value is None else f"{value:+z.2f}"


def _one_run(
    results: Results, described: Sequence[Summary], compared: Sequence[Comparison], words: Words
) -> Iterator[Block]:
    """The section on the first seed, compared with all seeds."""
    if not any(replica.curve for replica in results.replicas.values()):
        return
    seed = results.started.config.every_seed[0]
    yield Heading(2, words("sweep_one_run"))
    figure = curve_figure(results, compared, words, "curves")
    yield Picture("curves", figure, words("sweep_caption_curves"), "tall")
    ranks = (_rank(results, summary.setting.number, seed, words) for summary in described)
    yield Bullets(tuple(text for text in ranks if text))


def _rank(results: Results, number: int, seed: int, words: Words) -> Phrase | None:
    """The rank of one seed's accuracy among all seeds of a setting; None if the seed has no result."""
    replicas = results.of(number)
    replica = replicas.get(seed)
    if replica is None or replica.figures is None:
        return None
    accuracy = replica.figures.of("accuracy")
    accuracies = [figures.of("accuracy") for figures in results.figures(number).values()]
    return words(
        "sweep_place",
        setting=setting_words(results.started.config.settings[number], words),
        seed=seed,
        accuracy=f"{accuracy:.3f}",
        dead=len(replica.dead),
        below=sum(other < accuracy for other in accuracies),
        count=len(accuracies),
    )

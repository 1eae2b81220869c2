"""A sweep written up: the question, the answer, the figures, the method, and one run in the light of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BadInput
from ..sweeps.comparisons import Comparison, Summary, comparisons, p_words, summaries
from ..sweeps.folder import find_sweep, read_sweep
from ..sweeps.results import Results
from ..verdict import Paired
from .blocks import Block, Bullets, Heading, Paragraph, Picture, Table, Warnings
from .document import Format, write_blocks
from .sweep_figures import curve_figure, difference_figure, distribution_figure

_METHOD = (
    "Every setting is trained from the same seeds: a seed decides the initial weights and the order of the images, so "
    "two settings of one seed are twins, and their difference is free of what the seed decides.",
    "Final loss and accuracy are measured on all validation images after the last step. The curves are sparse: at most "
    "twenty points, on as many images as an evaluation of a single run has.",
    "Intervals are 95 % BCa bootstrap intervals of the mean difference (9,999 resamples). The p is that of a two-sided "
    "sign-flip test of the mean: exact up to 16 seeds, above that from 20,000 random sign patterns (marked ~). Holm's "
    "procedure adjusts it for all comparisons in the table. The interval of the share of seeds that are better is "
    "Wilson's. r is the correlation of the two settings across seeds.",
    "A difference is called measurable if at least six seeds were compared, the adjusted p is below 0.05, and the "
    "interval leaves 0 out. Otherwise the sentence says that there is no measurable difference. The seeds needed are "
    "those with which a two-sided t test at 5 % sees a difference of the size found four times out of five.",
    "A class is dead if the last ReLU keeps its output at 0 on every validation image. It then gets no gradient from "
    "any of them, so it is hardly ever revived. Without the last ReLU no class can die in this way.",
    "Replicas are trained many at a time as one batched program; each equals the single run of its seed within "
    "rounding over its first steps, and in distribution over the whole run.",
)


def report_sweep(names: Sequence[str], home: Path, output: Path | None, format: Format | None, language: str) -> int:
    """Write the report of one sweep and print where; the exit code. BadInput where there is nothing to write."""
    if len(names) > 1:
        raise BadInput("report: one sweep at a time")
    if language != "en":
        raise BadInput("--lang zh: a sweep is written up in English only")
    folder = find_sweep(names[0], home)
    read = read_sweep(folder)
    if not read.results.replicas:
        raise BadInput(f"sweep {folder.path}: nothing was trained to the end yet")
    by_ending: Format = "md" if output and output.suffix.lower() in (".md", ".markdown") else "html"
    path = output or Path(f"report.{format or by_ending}")
    write_blocks(sweep_contents(folder.path.resolve().name, read.results, read.damage), path, format or by_ending)
    print(path, flush=True)
    return 0


def sweep_contents(name: str, results: Results, damage: Sequence[str]) -> list[Block]:
    """The document, from the top."""
    return list(_contents(name, results, damage))


def _contents(name: str, results: Results, damage: Sequence[str]) -> Iterator[Block]:
    config, dataset = results.started.config, results.started.dataset
    described, compared = summaries(results), comparisons(results)
    time = datetime.fromtimestamp(results.started.time, UTC)
    yield Heading(1, f"Does it make a difference? {len(config.settings)} settings of LeNet on {dataset.name}")
    yield Paragraph(
        f"Sweep {name}, begun {time:%Y-%m-%d %H:%M} UTC: "
        f"{len(results.replicas):,} of {config.replicas:,} trainings done."
    )
    if warnings := tuple(_warnings(results, described, damage)):
        yield Warnings(warnings)
    yield Heading(2, "The question")
    yield Paragraph(
        "The assignment trained once with gradient clipping and once without, and read off that clipping helps. Would "
        f"another seed have said the same? {config.base.iterations:,} steps with batches of {config.base.batch_size}, "
        f"final accuracy on {dataset.validation:,} images that were not trained on."
    )
    yield Heading(2, "The answer")
    yield Bullets(tuple(comparison.sentence for comparison in compared))
    yield Heading(2, "The distributions")
    yield Picture("distributions", distribution_figure(described, "distributions"), _DISTRIBUTIONS)
    yield _table_of_settings(described)
    yield Heading(2, "The cause: dead classes")
    yield Bullets(tuple(_cause(summary) for summary in described))
    if compared:
        yield Heading(2, "The differences, seed by seed")
        yield Picture("differences", difference_figure(compared, "differences"), _DIFFERENCES)
        yield _table_of_comparisons(compared)
    yield from _one_run(results, described)
    yield Heading(2, "Method")
    yield Bullets(_METHOD)
    versions = ", ".join(f"{package} {version}" for package, version in results.started.versions.items())
    yield Paragraph(f"Data: {dataset.origin}, SHA-256 {dataset.checksum[:16]}. Versions: {versions}.")


_DISTRIBUTIONS = (
    "Final accuracy of every seed, a row a setting; the bar is the median, the shade the number of dead classes."
)
_DIFFERENCES = "Each dot is one seed's difference; the diamond is their mean with its 95 % interval."


def _warnings(results: Results, described: Sequence[Summary], damage: Sequence[str]) -> Iterator[str]:
    if len(results.replicas) < results.started.config.replicas:
        yield "The sweep is not finished: what follows holds for the trainings that are done."
    for summary in described:
        if summary.diverged:
            yield f"{summary.setting.name}: {summary.diverged} trainings diverged and are left out."
    yield from damage


def _table_of_settings(described: Sequence[Summary]) -> Table:
    header = ("setting", "seeds", "median accuracy", "range", "median loss", "dead classes, mean")
    rows = []
    for summary in described:
        median, low, high = summary.range
        loss = sorted(summary.losses)[len(summary.losses) // 2]
        figures = (f"{median:.3f}", f"{low:.3f} to {high:.3f}", f"{loss:.3f}", f"{summary.mean_dead:.1f}")
        rows.append((summary.setting.name, str(len(summary.accuracies)), *figures))
    return Table(header, tuple(rows))


def _cause(summary: Summary) -> str:
    name = summary.setting.name
    if summary.setting.config.head == "linear":
        return f"{name}: no ReLU on the logits, so no class can die."
    groups = ", ".join(
        f"{dead} dead: {sorted(values)[len(values) // 2]:.2f} ({len(values)} seeds)"
        for dead, values in summary.by_dead.items()
    )
    correlation = summary.dead_correlation
    tied = "" if correlation is None else f"; accuracy and dead classes correlate by {correlation:+.2f}"
    return f"{name}: median accuracy with {groups}{tied}."


def _table_of_comparisons(compared: Sequence[Comparison]) -> Table:
    header = ("difference", "of", "mean (95 %)", "median", "p", "adjusted p", "better", "r")
    rows = []
    for comparison in compared:
        accuracy, loss = comparison.accuracy, comparison.loss
        rows.append((comparison.name, "accuracy, points", *_cells(accuracy, comparison.accuracy_p, accuracy.wins)))
        better = loss.n - loss.wins - loss.ties
        rows.append(("", "loss, nats", *_cells(loss, comparison.loss_p, better)))
    return Table(header, tuple(rows))


def _cells(found: Paired, adjusted: float, better: int) -> tuple[str, ...]:
    low, high = found.interval
    interval = found.remark if found.n < 2 else f"{low:+.3f} to {high:+.3f}"
    return (
        f"{found.mean:+.3f} ({interval})",
        f"{found.median:+.3f}",
        p_words(found.p) + ("" if found.exact else " ~"),
        "exploratory" if found.exploratory else p_words(adjusted),
        f"{better} of {found.n}",
        "-" if found.correlation is None else f"{found.correlation:+.2f}",
    )


def _one_run(results: Results, described: Sequence[Summary]) -> Iterator[Block]:
    """The assignment's own two curves: its settings with one seed, beside all the others."""
    assignment = [summary.setting for summary in described if summary.setting.config.head == "relu"]
    if not any(replica.curve for replica in results.replicas.values()) or not assignment:
        return
    seed = results.started.config.every_seed[0]
    yield Heading(2, "One run in the light of all")
    yield Picture("curves", curve_figure(results, [setting.number for setting in assignment], "curves"), _CURVES)
    sentences = [text for setting in assignment if (text := _place(results, setting.number, seed))]
    yield Bullets(tuple(sentences))


_CURVES = (
    "Median and middle half of all seeds (bold and shaded), and what the assignment saw: a single seed (thin, marked)."
)


def _place(results: Results, number: int, seed: int) -> str | None:
    """Where one seed's outcome lies among all."""
    replicas = results.of(number)
    mine = replicas.get(seed)
    if mine is None or mine.accuracy is None:
        return None
    accuracies = [replica.accuracy or 0.0 for replica in replicas.values()]
    below = sum(accuracy < mine.accuracy for accuracy in accuracies)
    name = results.started.config.settings[number].name
    return (
        f"{name}, seed {seed}: accuracy {mine.accuracy:.3f} with {len(mine.dead)} dead classes; "
        f"{below} of {len(accuracies)} seeds ended lower."
    )

"""The sections of the sweep screen. Each is a pure function that renders lines of a given width."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.reports.phrases import Words
from ...core.reports.sweep_words import apart, by_dead_words, p_words, sentence, short_sentence, solved_sentence
from ...core.stream.experiment_info import MetricInfo
from ...core.stream.sweep_config import Setting
from ...core.stream.sweep_events import Results
from ...core.sweeps.comparisons import Comparison, Summary
from ..style.theme import Theme
from ..text.metric_words import value_words
from ..text.wrapping import wrapped
from .dot_plots import dots, marks_legend, ruler, whisker
from .heading import heading
from .measures import difference_axis, median_and_range, ruler_digits, signed, value_axis

# From this width on, ranges and intervals are shown.
_WIDE = 90
# Widths of the labels, of the figures, and of the figures with ranges.
_LABEL, _FIGURES, _WIDE_FIGURES = 28, 13, 38
# Widths of a median with a blank before it, and of a median with its range.
_MEDIAN, _RANGE = 6, 19
_DEAD = "dead outputs, mean"


def distributions(results: Results, summaries: Sequence[Summary], width: int, theme: Theme) -> list[Strip]:
    """For each setting: the final values of its seeds, their median and range, and LeNet's mean of dead outputs."""
    wide = width >= _WIDE
    measure = results.started.experiment.main
    axis = value_axis(measure, (value for one in summaries for value in one.of(measure.name)), _plot_width(width))
    muted = theme.palette.style(theme.palette.muted)
    lines = [heading(f"final {theme.printable(measure.words)} of every seed", marks_legend(theme), width, theme)]
    by_setting = {summary.setting.number: summary for summary in summaries}
    for setting in results.started.config.settings:
        summary = by_setting.get(setting.number)
        colour = theme.palette.style(theme.lane_colour(setting.number))
        plot = dots(summary.of(measure.name) if summary else (), axis, theme, colour)
        figures = _figures(summary, wide=wide) if summary else _without_figures(results, setting)
        rows = [(plot, figures, muted)]
        for note in _notes(summary, wide=wide) if summary else ():
            rows.append((Strip([Segment(note.rjust(axis.width + _MEDIAN), muted)]), "", muted))
        lines += _labelled(_name(setting, theme), colour, rows)
    dead = _DEAD if results.started.experiment.gauge("dead-outputs") else ""
    caption = "median (range)".ljust(_RANGE) + dead if wide else "median"
    return [*lines, *_labelled("", muted, [(ruler(axis, muted, ruler_digits(measure, axis, 1)), caption, muted)])]


def answers(
    summaries: Sequence[Summary],
    comparisons: Sequence[Comparison],
    width: int,
    theme: Theme,
    *,
    short: bool,
    interim: bool = False,
) -> list[Strip]:
    """How many seeds solved the task, if that is counted, and a sentence for each comparison, in bold if measurable.

    Those that are exploratory share one.

    `interim`: seeds are still missing.
    """
    if not comparisons:
        return []
    plain = theme.palette.style(theme.palette.foreground)
    note = "stopping early makes p look smaller than it is" if interim else ""
    lines = [heading("the interim result" if interim else "the result", note, width, theme)]
    words = Words("en")
    alone, shared = apart(comparisons, words, short=short)
    texts = [((short_sentence if short else sentence)(one, words), one.measurable) for one in alone]
    if solved := solved_sentence(summaries, words):
        texts.insert(0, (solved, True))
    for text, measurable in (*texts, *((phrase, False) for phrase in shared)):
        style = plain + Style(bold=measurable)
        sentences = _wrapped(theme.printable(str(text)).replace(" %", "\xa0%"), max(20, width - 2), indent="  ")
        lines += [Strip([Segment(f" {line}", style)]) for line in sentences]
    return lines


def differences(comparisons: Sequence[Comparison], width: int, theme: Theme) -> list[Strip]:
    """Two lines for each comparison: the paired differences of all seeds with p, and their mean with its interval."""
    if not comparisons:
        return []
    wide = width >= _WIDE
    measure = comparisons[0].main.metric
    every = [value for comparison in comparisons for value in comparison.main.paired.differences]
    axis = difference_axis(measure, every, _plot_width(width))
    style, muted = theme.palette.style(theme.palette.foreground), theme.palette.style(theme.palette.muted)
    lines = [heading(_differences_title(measure, theme), "bar: mean, 95 % interval", width, theme)]
    for comparison in comparisons:
        found, (low, high) = comparison.main.paired, comparison.main.paired.interval
        colour = theme.palette.style(theme.lane_colour(comparison.other.number))
        p = "exploratory" if comparison.exploratory else f"p {p_words(comparison.main.adjusted_p)}"
        interval = f" ({signed(measure, low)} to {signed(measure, high)})" if wide and math.isfinite(low) else ""
        mean = whisker(low, found.mean, high, axis, theme, colour + Style(bold=True))
        rows = [
            (dots(found.differences, axis, theme, colour), p, muted),
            (mean, f"{signed(measure, found.mean)}{interval}", style),
        ]
        lines += _labelled(theme.printable(comparison.name), style, rows)
    caption = "mean (95 %), Holm's p" if wide else "mean, Holm's p"
    return [*lines, *_labelled("", muted, [(ruler(axis, muted, ruler_digits(measure, axis, 0)), caption, muted)])]


def _differences_title(measure: MetricInfo, theme: Theme) -> str:
    name = theme.printable(measure.words)
    return f"paired {name} differences" + (", percentage points" if measure.share else "")


def causes(summaries: Sequence[Summary], width: int, theme: Theme) -> list[Strip]:
    """Median accuracy by the number of dead outputs, for the settings with a ReLU on the logits."""
    with_relu = [summary for summary in summaries if summary.can_die]
    if not with_relu:
        return []
    muted = theme.palette.style(theme.palette.muted)
    lines = [heading("the cause: median accuracy by dead outputs", "(seeds)", width, theme)]
    for summary in with_relu:
        colour = theme.palette.style(theme.lane_colour(summary.setting.number))
        text = by_dead_words(summary).replace(": ", ":\xa0").replace(" (", "\xa0(")
        groups = _wrapped(text, max(20, width - _LABEL - 2))
        rows = [(Strip([Segment(group, theme.palette.style(theme.palette.foreground))]), "", muted) for group in groups]
        lines += _labelled(_name(summary.setting, theme), colour, rows)
    return lines


def _wrapped(text: str, width: int, *, indent: str = "") -> list[str]:
    """Wrap text at spaces, but not at no-break spaces, which become spaces afterwards."""
    return [line.replace("\xa0", " ") for line in wrapped(text, width, indent=indent)]


def _plot_width(width: int) -> int:
    return max(10, width - _LABEL - (_WIDE_FIGURES if width >= _WIDE else _FIGURES) - 3)


def _name(setting: Setting, theme: Theme) -> str:
    """Symbol and name of a setting, in which a line can break only after a comma."""
    name = theme.printable(setting.name).replace(" ", "\xa0").replace(",\xa0", ", ")
    return f"{theme.glyphs.symbol(setting.number)}\xa0{name}"


def _figures(summary: Summary, *, wide: bool) -> str:
    if not wide:
        return value_words(summary.metric, summary.range[0])
    text = median_and_range(summary.metric, summary.range, 2).ljust(_RANGE)
    return text + (f"{summary.mean_dead:.1f}".rjust(len(_DEAD)) if summary.can_die else "")


def _notes(summary: Summary, *, wide: bool) -> Iterator[str]:
    """What a setting's lines say below its plot: the dead outputs if the figures have no room for them, failures."""
    if summary.can_die and not wide:
        yield f"{_DEAD} {summary.mean_dead:.1f}"
    if summary.diverged:
        yield f"{summary.diverged} diverged"


def _without_figures(results: Results, setting: Setting) -> str:
    diverged = sum(replica.setting == setting.number for replica in results.replicas.values())
    return f"{diverged} diverged" if diverged else "-"


def _labelled(label: str, style: Style, rows: Sequence[tuple[Strip, str, Style]]) -> list[Strip]:
    """Rows of a plot and figures beside a label, which is wrapped over as many lines as it needs."""
    label_lines = _wrapped(label, _LABEL - 1, indent="  ") or [""]
    lines = []
    for number in range(max(len(label_lines), len(rows))):
        text = label_lines[number] if number < len(label_lines) else ""
        strips = [Strip([Segment(" " + set_cell_size(text, _LABEL - 1) + " ", style)])]
        if number < len(rows):
            plot, figures, figures_style = rows[number]
            strips += [plot, Strip([Segment(" " + figures, figures_style)])]
        lines.append(Strip.join(strips))
    return lines

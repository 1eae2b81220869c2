"""What the screen of a sweep tells, section by section: each a pure function to lines of a width."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.reports.phrases import Words
from ...core.reports.sweep_words import by_dead_words, sentence, short_sentence
from ...core.stream.sweep_config import Setting
from ...core.stream.sweep_events import Results
from ...core.sweeps.comparisons import Comparison, Summary, p_words
from ...core.text import printable
from ..style.theme import Theme
from ..text.wrapping import wrapped
from .plots import Axis, dots, marks_explained, ruler, whisker

# From this width on there is room for ranges and intervals.
_ROOMY = 90
_LABEL, _FIGURES, _FIGURES_ROOMY = 28, 14, 30


def distributions(results: Results, summaries: Sequence[Summary], width: int, theme: Theme) -> list[Strip]:
    """Every setting with its seeds' final accuracies, their median, and dead classes; the first to say what is what."""
    roomy = width >= _ROOMY
    axis = Axis(0.0, 1.0, _plot_width(width))
    muted = theme.palette.style(theme.palette.muted)
    lines = [heading("final accuracy of every seed", marks_explained(theme), width, theme)]
    found = {summary.setting.number: summary for summary in summaries}
    for setting in results.started.config.settings:
        summary = found.get(setting.number)
        colour = theme.palette.style(theme.lane_colour(setting.number))
        plot = dots(summary.accuracies if summary else (), axis, theme, colour)
        figures = _figures(summary, roomy=roomy) if summary else _without_figures(results, setting)
        rows = [(plot, figures, muted)]
        if summary and summary.diverged:
            rows.append((dots((), axis, theme, colour), f"{summary.diverged} diverged", muted))
        lines += _labelled(_name(setting, theme), colour, rows)
    words = "median (range)" if roomy else "median"
    return [*lines, *_labelled("", muted, [(ruler(axis, theme, muted, 1), words, muted)])]


def answers(
    compared: Sequence[Comparison], width: int, theme: Theme, *, short: bool, so_far: bool = False
) -> list[Strip]:
    """A sentence a comparison, those that differ measurably in bold; `so_far`: more seeds may change them."""
    if not compared:
        return []
    plain = theme.palette.style(theme.palette.foreground)
    note = "while seeds are missing: who stops once p is small has too small a p" if so_far else ""
    lines = [heading("the answer so far" if so_far else "the answer", note, width, theme)]
    for comparison in compared:
        said = str((short_sentence if short else sentence)(comparison, Words("en")))
        style = plain + Style(bold=comparison.measurable)
        sentences = _wrapped(said.replace(" %", "\xa0%"), max(20, width - 2), indent="  ")
        lines += [Strip([Segment(f" {line}", style)]) for line in sentences]
    return lines


def differences(compared: Sequence[Comparison], width: int, theme: Theme) -> list[Strip]:
    """Two lines a comparison: every paired difference with the p, and the mean with its interval."""
    if not compared:
        return []
    roomy = width >= _ROOMY
    reach = max(1.0, *(abs(value) for comparison in compared for value in comparison.accuracy.differences))
    axis = Axis(-reach, reach, _plot_width(width))
    style, muted = theme.palette.style(theme.palette.foreground), theme.palette.style(theme.palette.muted)
    lines = [heading("paired differences in points of accuracy", "bar: mean and its 95 % interval", width, theme)]
    for comparison in compared:
        found, (low, high) = comparison.accuracy, comparison.accuracy.interval
        colour = theme.palette.style(theme.lane_colour(comparison.other.number))
        p = "exploratory" if comparison.exploratory else f"p {p_words(comparison.accuracy_p)}"
        interval = f" ({low:+.1f} to {high:+.1f})" if roomy and math.isfinite(low) else ""
        mean = whisker(low, found.mean, high, axis, theme, colour + Style(bold=True))
        rows = [
            (dots(found.differences, axis, theme, colour), p, muted),
            (mean, f"{found.mean:+.1f}{interval}", style),
        ]
        lines += _labelled(printable(comparison.name, ascii=theme.ascii), style, rows)
    words = "mean (95 %), Holm's p" if roomy else "mean, Holm's p"
    return [*lines, *_labelled("", muted, [(ruler(axis, theme, muted, 0), words, muted)])]


def causes(summaries: Sequence[Summary], width: int, theme: Theme) -> list[Strip]:
    """The median accuracy of the seeds with so many dead classes, for the settings in which classes can die."""
    dying = [summary for summary in summaries if summary.setting.config.head == "relu"]
    if not dying:
        return []
    muted = theme.palette.style(theme.palette.muted)
    lines = [heading("the cause: median accuracy by dead classes", "(seeds)", width, theme)]
    for summary in dying:
        colour = theme.palette.style(theme.lane_colour(summary.setting.number))
        text = by_dead_words(summary).replace(": ", ":\xa0").replace(" (", "\xa0(")
        groups = _wrapped(text, max(20, width - _LABEL - 2))
        rows = [(Strip([Segment(group, theme.palette.style(theme.palette.foreground))]), "", muted) for group in groups]
        lines += _labelled(_name(summary.setting, theme), colour, rows)
    return lines


def heading(text: str, note: str, width: int, theme: Theme) -> Strip:
    """A section's heading, and what explains it where there is room."""
    style = theme.palette.style(theme.palette.foreground, bold=True)
    segments = [Segment(" " + set_cell_size(text, min(cell_len(text), width - 1)), style)]
    if note and cell_len(text) + cell_len(note) + 3 <= width:
        segments.append(Segment(f"  {note}", theme.palette.style(theme.palette.muted)))
    return Strip(segments)


def _wrapped(text: str, width: int, *, indent: str = "") -> list[str]:
    """Lines of text, in which what no-break spaces hold together stays together."""
    return [line.replace("\xa0", " ") for line in wrapped(text, width, indent=indent)]


def _plot_width(width: int) -> int:
    return max(10, width - _LABEL - (_FIGURES_ROOMY if width >= _ROOMY else _FIGURES) - 3)


def _name(setting: Setting, theme: Theme) -> str:
    """Symbol and name of a setting, in which a line can break only after a comma."""
    name = printable(setting.name, ascii=theme.ascii).replace(" ", "\xa0").replace(",\xa0", ", ")
    return f"{theme.glyphs.symbol(setting.number)}\xa0{name}"


def _figures(summary: Summary, *, roomy: bool) -> str:
    median, low, high = summary.range
    text = f"{median:.3f} ({low:.2f}-{high:.2f})" if roomy else f"{median:.3f}"
    return text + (f" {summary.mean_dead:.1f} dead" if summary.setting.config.head == "relu" else "")


def _without_figures(results: Results, setting: Setting) -> str:
    diverged = sum(replica.setting == setting.number for replica in results.replicas.values())
    return f"{diverged} diverged" if diverged else "-"


def _labelled(label: str, style: Style, rows: Sequence[tuple[Strip, str, Style]]) -> list[Strip]:
    """Rows of a plot and figures beside a label, which takes as many lines as it needs."""
    words = _wrapped(label, _LABEL - 1, indent="  ") or [""]
    lines = []
    for number in range(max(len(words), len(rows))):
        text = words[number] if number < len(words) else ""
        strips = [Strip([Segment(" " + set_cell_size(text, _LABEL - 1) + " ", style)])]
        if number < len(rows):
            plot, figures, figures_style = rows[number]
            strips += [plot, Strip([Segment(" " + figures, figures_style)])]
        lines.append(Strip.join(strips))
    return lines

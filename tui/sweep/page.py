"""The body of the sweep screen: the sections below each other, and the charts beside or below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.stream.experiment_info import MetricInfo
from ...core.stream.sweep_events import Results
from ...core.sweeps.comparisons import Comparison, Summary
from ..charts.chart import render_chart
from ..style.theme import Theme
from .curves import Panel, curve_chart, panels
from .heading import heading
from .map_section import map_section
from .measures import label
from .sections import answers, causes, differences, distributions

# From `_WIDE` columns on, the charts are beside the sections and take `_CHART_SHARE` of the width.
_WIDE, _CHART_SHARE = 120, 0.35
# Heights of a chart below the sections, and the least height of one of several charts.
_CHART_HEIGHT, _PANEL_HEIGHT = 14, 12
# From this height on, the rows of a map have several lines.
_TALL = 36


@dataclass(frozen=True)
class VisibleLines:
    """The visible lines, and the number of lines `above` and `below` them."""

    lines: list[Strip]
    above: int
    below: int


def page(
    results: Results,
    summaries: Sequence[Summary],
    comparisons: Sequence[Comparison],
    size: tuple[int, int],
    theme: Theme,
    first: int = 0,
    show: Sequence[MetricInfo] = (),
) -> VisibleLines:
    """The visible lines of a body of `size` (width, height) cells, scrolled to line `first` or as far as possible.

    The charts show the measures in `show`, or the first metric.
    """
    started, show = results.started, show or (results.started.experiment.main,)
    width, height = size
    column = int(width * _CHART_SHARE) if width >= _WIDE else 0
    left_width = width - column
    lines = _sections(results, summaries, comparisons, (left_width, height), theme)
    chart_panels = [panel for measure in show for panel in panels(started, measure)] if summaries else []
    charts_heading = f"{label(show[0], started)} during training" if len(chart_panels) > len(show) else ""
    # A blank line between charts, and a heading above those of many settings.
    count, gaps = max(1, len(chart_panels)), len(chart_panels) - 1 + bool(charts_heading)
    chart_height = max(_PANEL_HEIGHT, (height - gaps) // count) if column else _CHART_HEIGHT
    top = 0 if column else len(lines) + 1
    total = max(len(lines), top + len(chart_panels) * chart_height + gaps)
    first = max(0, min(first, total - height))
    chart_size = (column - 1 if column else width, chart_height)
    charts = _charts(results, chart_panels, charts_heading, chart_size, range(first - top, first - top + height), theme)
    if column:
        columns = [_window(lines, left_width, first, height, theme), _window(charts, column - 1, first, height, theme)]
        visible = [Strip.join([one, _blank(1, theme), other]) for one, other in zip(*columns, strict=True)]
    else:
        visible = _window([*lines, _blank(width, theme), *charts], width, first, height, theme)
    return VisibleLines(visible, first, max(0, total - first - height))


def _charts(
    results: Results, chart_panels: Sequence[Panel], title: str, size: tuple[int, int], visible: range, theme: Theme
) -> list[Strip]:
    """The charts, each of `size`, below each other; those outside of the visible lines are left blank."""
    width, height = size
    blank = _blank(width, theme)
    lines = [heading(title, "median and quartiles", width, theme)] if title else []
    for panel in chart_panels:
        hidden = len(lines) >= visible.stop or len(lines) + height <= visible.start
        chart = [blank] * height if hidden else render_chart(curve_chart(results, panel, width, height, theme))
        lines += [*chart, blank]
    return lines


def _window(lines: Sequence[Strip], width: int, first: int, height: int, theme: Theme) -> list[Strip]:
    """`height` lines from line `first` on, each `width` cells wide."""
    shown = [line.adjust_cell_length(width, _style(theme)) for line in lines[first : first + height]]
    return shown + [_blank(width, theme)] * (height - len(shown))


def _sections(
    results: Results,
    summaries: Sequence[Summary],
    comparisons: Sequence[Comparison],
    size: tuple[int, int],
    theme: Theme,
) -> list[Strip]:
    """All sections. If they do not fit, sentences are shortened; if that is not enough, blank lines are left out."""
    width, height = size
    for short, gap in ((False, 1), (True, 1), (True, 0)):
        sections = [
            map_section(results, summaries, width, theme, tall=height >= _TALL),
            distributions(results, summaries, width, theme),
            answers(summaries, comparisons, width, theme, short=short, interim=results.unfinished),
            differences(comparisons, width, theme),
            causes(summaries, width, theme),
        ]
        lines = _joined([section for section in sections if section], [_blank(width, theme)] * gap)
        if len(lines) <= height:
            break
    return lines


def _joined(sections: Sequence[list[Strip]], gap: list[Strip]) -> list[Strip]:
    lines: list[Strip] = []
    for section in sections:
        lines += [*(gap if lines else []), *section]
    return lines


def _blank(width: int, theme: Theme) -> Strip:
    return Strip([Segment(" " * width, _style(theme))])


def _style(theme: Theme) -> Style:
    return theme.palette.style(theme.palette.foreground)

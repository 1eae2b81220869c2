"""The body of a sweep's screen: sections one below the other, and the curves beside them or last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.stream.sweep_events import Results
from ...core.sweeps.comparisons import Comparison, Summary
from ..charts.chart import render_chart
from ..style.theme import Theme
from .curves import Panel, curve_chart, panels
from .sections import answers, causes, differences, distributions, heading

# From this width on the curves stand beside the sections, with so large a share of it.
_WIDE, _SHARE = 120, 0.35
_CHART_HEIGHT, _PANEL_HEIGHT = 14, 12


@dataclass(frozen=True)
class VisibleLines:
    """The lines in sight, and how many lie `above` and `below` them."""

    lines: list[Strip]
    above: int
    below: int


def page(
    results: Results,
    summaries: Sequence[Summary],
    compared: Sequence[Comparison],
    size: tuple[int, int],
    theme: Theme,
    first: int = 0,
) -> VisibleLines:
    """The lines of `size` (width, height) cells from line `first` on, or as far down as there are any."""
    width, height = size
    beside = int(width * _SHARE) if width >= _WIDE else 0
    left = width - beside
    lines = _sections(results, summaries, compared, (left, height), theme)
    drawn = panels(results.started.config) if summaries else []
    # Higher than wide a chart would only be stretched.
    alone = min(height, beside // 2) if beside else _CHART_HEIGHT
    tall = _PANEL_HEIGHT if len(drawn) > 1 else alone
    top = 0 if beside else len(lines) + 1
    # Charts with a line between them, and over several a heading.
    total = max(len(lines), top + len(drawn) * (tall + 1) - 1 + (len(drawn) > 1))
    first = max(0, min(first, total - height))
    charts = _curves(
        results, drawn, (beside - 1 if beside else width, tall), range(first - top, first - top + height), theme
    )
    if beside:
        columns = [_window(lines, left, first, height, theme), _window(charts, beside - 1, first, height, theme)]
        shown = [Strip.join([one, _blank(1, theme), other]) for one, other in zip(*columns, strict=True)]
    else:
        shown = _window([*lines, _blank(width, theme), *charts], width, first, height, theme)
    return VisibleLines(shown, first, max(0, total - first - height))


def _curves(results: Results, drawn: Sequence[Panel], size: tuple[int, int], seen: range, theme: Theme) -> list[Strip]:
    """The charts of this size one below the other; those outside of the lines that are seen are not drawn."""
    width, height = size
    blank = _blank(width, theme)
    lines = [heading("accuracy in training", "median and middle half", width, theme)] if len(drawn) > 1 else []
    for panel in drawn:
        unseen = len(lines) >= seen.stop or len(lines) + height <= seen.start
        chart = [blank] * height if unseen else render_chart(curve_chart(results, panel, width, height, theme))
        lines += [*chart, blank]
    return lines


def _window(lines: Sequence[Strip], width: int, first: int, height: int, theme: Theme) -> list[Strip]:
    """So many lines from the first on, each as wide."""
    shown = [line.adjust_cell_length(width, _style(theme)) for line in lines[first : first + height]]
    return shown + [_blank(width, theme)] * (height - len(shown))


def _sections(
    results: Results,
    summaries: Sequence[Summary],
    compared: Sequence[Comparison],
    size: tuple[int, int],
    theme: Theme,
) -> list[Strip]:
    """All sections; where they do not fit the sentences are short, and where that is not enough nothing parts them."""
    width, height = size
    for short, gap in ((False, 1), (True, 1), (True, 0)):
        sections = [
            distributions(results, summaries, width, theme),
            answers(compared, width, theme, short=short, so_far=results.unfinished),
            differences(compared, width, theme),
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

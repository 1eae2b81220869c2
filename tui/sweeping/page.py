"""The body of a sweep's screen: sections one below the other, and the curves beside them or last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.sweeps.comparisons import Comparison, Summary
from ...core.sweeps.results import Results
from ..charts.chart import render_chart
from ..look import Look
from .curves import curve_chart
from .sections import answers, causes, differences, distributions

# From this width on the curves stand beside the sections, with so large a share of it.
_WIDE, _SHARE = 120, 0.35
_CHART_HEIGHT = 14


@dataclass(frozen=True)
class Page:
    """What is shown, and how many lines stay unseen `above` and `below`."""

    lines: list[Strip]
    above: int
    below: int


def page(
    results: Results,
    summaries: Sequence[Summary],
    compared: Sequence[Comparison],
    size: tuple[int, int],
    look: Look,
    first: int = 0,
) -> Page:
    """The lines of `size` (width, height) cells from line `first` on, or as far down as there are any."""
    width, height = size
    beside = int(width * _SHARE) if width >= _WIDE else 0
    left = width - beside
    lines = _sections(results, summaries, compared, (left, height), look)
    if summaries and not beside:
        lines += [_blank(width, look), *render_chart(curve_chart(results, width, _CHART_HEIGHT, look))]
    first = max(0, min(first, len(lines) - height))
    shown = [line.adjust_cell_length(left, _style(look)) for line in lines[first : first + height]]
    if summaries and beside:
        shown += [_blank(left, look)] * (height - len(shown))
        # Higher than wide it would only be stretched.
        chart = render_chart(curve_chart(results, beside - 1, min(height, beside // 2), look))
        chart += [_blank(beside - 1, look)] * (height - len(chart))
        shown = [Strip.join([one, _blank(1, look), other]) for one, other in zip(shown, chart, strict=True)]
    return Page(shown, first, max(0, len(lines) - first - height))


def _sections(
    results: Results,
    summaries: Sequence[Summary],
    compared: Sequence[Comparison],
    size: tuple[int, int],
    look: Look,
) -> list[Strip]:
    """All sections; where they do not fit the sentences are short, and where that is not enough nothing parts them."""
    width, height = size
    for short, gap in ((False, 1), (True, 1), (True, 0)):
        sections = [
            distributions(results, summaries, width, look),
            answers(compared, width, look, short=short),
            differences(compared, width, look),
            causes(summaries, width, look),
        ]
        lines = _joined([section for section in sections if section], [_blank(width, look)] * gap)
        if len(lines) <= height:
            break
    return lines


def _joined(sections: Sequence[list[Strip]], gap: list[Strip]) -> list[Strip]:
    lines: list[Strip] = []
    for section in sections:
        lines += [*(gap if lines else []), *section]
    return lines


def _blank(width: int, look: Look) -> Strip:
    return Strip([Segment(" " * width, _style(look))])


def _style(look: Look) -> Style:
    return look.palette.style(look.palette.foreground)

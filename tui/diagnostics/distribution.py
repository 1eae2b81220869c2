"""The distribution of |g| on a lane's page: histogram, counts outside of it, percentiles, and a line for each layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from rich.segment import Segment
from textual.strip import Strip

from ...core.stream.measures import Histogram, Measure
from ...core.stream.rules import recorded_rule
from ..text.number_format import size
from .histogram import axis_lines, bar_lines, bars_end, value_bounds
from .lane_page import LanePage


def tallest_bins(pages: Sequence[LanePage]) -> dict[str, int]:
    """The most elements in a bin over all of these lanes, by layer and, under an empty name, of the whole gradient."""
    tallest: dict[str, int] = {}
    for page in pages:
        for name, measure in (("", page.total), *page.layers.items()):
            tallest[name] = max(tallest.get(name, 0), max(measure.histogram.counts, default=0))
    return tallest


def distribution(page: LanePage, bars: int, tallest: Mapping[str, int], *, by_layer: bool) -> Iterator[Strip]:
    """The histogram with `bars` lines of bars, on the scale of `tallest`, and if `by_layer` a line for each layer."""
    total, bounds = page.total, value_bounds(recorded_rule(page.lane.rule))
    highest = f"   highest bar: {tallest['']:,}" if tallest[""] else ""
    yield page.line(("log10 |g|, elements per bin", page.strong), (highest, page.muted))
    chart = bar_lines(total.histogram, bounds, page.width, bars, page.ink, tallest=tallest[""])
    if not any(total.histogram.counts):
        chart[len(chart) // 2] = page.line((f"  {_reason(total.histogram)}", page.muted))
    chart += axis_lines(bounds, page.width, page.ink)
    if page.wide:
        yield from _with_counts(chart, [*_counts(total.histogram), *_percentiles(total)], page)
    else:
        yield from chart
        yield from _counts_below(page)
    for name, measure in page.layers.items() if by_layer else ():
        (line,) = bar_lines(measure.histogram, bounds, page.width, 1, page.ink, tallest=tallest[name])
        label = Segment(f" {page.theme.printable(name)}", page.muted)
        yield Strip([*line.crop(0, bars_end(page.width)), label]).adjust_cell_length(page.width, page.muted)


def lines_without_bars(page: LanePage) -> int:
    """The number of lines of the histogram besides its bars: title, axis, decades, and counts if they are below."""
    return 3 + (0 if page.wide else len([*_counts_below(page)]))


def _counts_below(page: LanePage) -> Iterator[Strip]:
    total = page.total
    yield from page.sentence(_counts(total.histogram))
    yield from page.sentence((label.strip(), value) for label, value in _percentiles(total))


def _reason(histogram: Histogram) -> str:
    """Why there are no bars."""
    return "every element is exactly 0" if histogram.zero == histogram.elements else "no element lies in this range"


def _with_counts(chart: Sequence[Strip], counts: Sequence[tuple[str, str]], page: LanePage) -> Iterator[Strip]:
    """The bars, with counts and percentiles to their right."""
    end = bars_end(page.width)
    cells = page.width - end - 2
    for strip, count in zip_longest(chart, counts):
        if count is None:
            yield strip
            continue
        label, value = count
        parts = [*(strip or page.line()).adjust_cell_length(end, page.text)]
        parts += [
            Segment(f"  {label.ljust(cells - len(value))}", page.muted),
            Segment(page.theme.printable(value), page.text),
        ]
        yield Strip(parts).adjust_cell_length(page.width, page.text)


def _counts(histogram: Histogram) -> Iterator[tuple[str, str]]:
    """The elements that have no bar."""
    yield "exactly 0", f"{histogram.zero:,}"
    yield "below 1e-10", f"{histogram.under:,}"
    yield "1e2 or more", f"{histogram.over:,}"
    if nonfinite := histogram.nan + histogram.inf:
        yield "NaN or Inf", f"{nonfinite:,}"


def _percentiles(total: Measure) -> Iterator[tuple[str, str]]:
    """The sizes below which half, 90 % and 99 % of the nonzero elements are."""
    values = total.percentiles or (None, None, None)
    for label, value in zip(
        ("nonzero: half below", "90 % below".rjust(19), "99 % below".rjust(19)), values, strict=True
    ):
        yield label, size(value, 2)

"""A lane's diagnostics as strips: conclusion, table by layer, counterfactual update, outputs, histogram."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.safe_text import printable
from ...core.stream.events import Diagnosed, LanesCompared, OutputDied
from ...core.stream.measures import Histogram, Measure
from ...core.stream.rules import recorded_rule
from ...core.stream.state import LaneState, RunState
from ..style.theme import Theme
from ..text.explanation import explanation
from ..text.lane_figures import dead_outputs
from ..text.lane_names import lane_name, lane_names
from ..text.number_format import decimal, in_ascii, norms, share, size
from ..text.rule_words import rule_words
from ..text.wrapping import wrapped
from ..view.step_window import visible_lanes
from .heading import output_cells
from .histogram import Ink, histogram_strips, sparkline, strips_end, value_bounds

# Lines of bars in the histogram.
MIN_BARS, MAX_BARS = 4, 14
BAR = 10
MAX_CHANGES = 12
# The minimum width of a page if lanes are side by side.
MIN_LANE_WIDTH = 66
# Narrower widgets are not laid out yet.
MIN_WIDTH = 20
# From this width on, counts and percentiles are to the right of the bars.
WIDE = 79


@dataclass(frozen=True)
class _Page:
    """A lane, its last measurement, and the styles on the screen's background."""

    number: int
    lane: LaneState
    measured: Diagnosed
    width: int
    theme: Theme

    @property
    def text(self) -> Style:
        return self.theme.palette.style(self.theme.palette.foreground)

    @property
    def strong(self) -> Style:
        return self.theme.palette.style(self.theme.palette.foreground, bold=True)

    @property
    def muted(self) -> Style:
        return self.theme.palette.style(self.theme.palette.muted)

    @property
    def faint(self) -> Style:
        return self.theme.palette.faint(self.theme.palette.muted, 0.35)

    @property
    def warning(self) -> Style:
        return self.theme.palette.style(self.theme.palette.warning)

    @property
    def ink(self) -> Ink:
        palette, colour = self.theme.palette, self.theme.lane_colour(self.number)
        return Ink(
            within=palette.faint(colour, 0.45),
            partly=palette.faint(colour, 0.7),
            beyond=palette.style(colour),
            muted=self.muted,
            ascii=self.theme.ascii,
            coloured=palette.coloured,
        )

    def line(self, *parts: tuple[str, Style]) -> Strip:
        """A line of the page: a blank, then the styled parts."""
        segments = [Segment(" ", self.text), *(Segment(self.printable(text), style) for text, style in parts)]
        return Strip(segments).adjust_cell_length(self.width, self.text)

    def printable(self, text: str) -> str:
        return printable(in_ascii(text) if self.theme.ascii else text)


def diagnostics_page(
    number: int, lane: LaneState, state: RunState, width: int, height: int, theme: Theme, *, head_lines: int = 0
) -> list[Strip]:
    """All lines of the page, with blank lines between sections if `height` allows.

    The head has at least `head_lines` lines, so that the tables of lanes side by side are aligned.
    """
    # Output cells are drawn on the screen's background here, not on a bar's.
    theme = replace(theme, panel=theme.palette.background)
    if lane.diagnosed is None:
        words = "No diagnostics were measured for this lane." if lane.latest else "No measurements yet."
        style = theme.palette.style(theme.palette.muted)
        return [Strip([Segment(f" {words}", style)]).adjust_cell_length(width, style)]
    page = _Page(number, lane, lane.diagnosed, width, theme)
    head = list(_head(page, state))
    sections = [
        [*head, *[page.line()] * (head_lines - len(head))],
        list(_table(page)),
        [*_update(page), *_distances(page, state)],
        list(_outputs(page)),
    ]
    used = sum(map(len, sections))
    layers = len(page.measured.layers)
    # Below the bars are the axis and its labels; narrow pages have counts and percentiles in two lines above.
    room = height - used - (2 if width >= WIDE else 4) - len(sections)
    by_layer = room >= MIN_BARS + layers
    bars = max(MIN_BARS, min(MAX_BARS, room - (layers if by_layer else 0)))
    sections.append(list(_histogram(page, bars, by_layer=by_layer)))
    gap = [page.line()] if height >= sum(map(len, sections)) + len(sections) - 1 else []
    return [strip for section in sections for strip in (*section, *gap)]


def _head(page: _Page, state: RunState) -> Iterator[Strip]:
    name = f"{page.theme.glyphs.symbol(page.number)} {lane_name(page.number, page.lane.name)}"
    measured = f"   measured at step {page.measured.step:,}"
    since = page.lane.changed_at[-1] if page.lane.changed_at else None
    rules = [page.printable(form) for form in rule_words(recorded_rule(page.lane.rule), since)]
    room = page.width - 4 - cell_len(page.printable(name)) - len(measured)
    rule = next((form for form in rules if cell_len(form) <= room), rules[-1])
    yield page.line(
        (name, page.theme.lane(page.number, bold=True)), (f"   {rule}", page.strong), (measured, page.muted)
    )
    for line in _conclusion(page.lane, state, page.width):
        yield page.line((line, page.warning))


def _conclusion(lane: LaneState, state: RunState, width: int) -> list[str]:
    return wrapped(explanation(state, lane) or "", width - 2) or [""]


def _table(page: _Page) -> Iterator[Strip]:
    heads = ("layer", "elements clipped", "of nonzero", "cos", "‖g‖ → ‖ĝ‖", "‖Δw‖/‖w‖")
    widths = _columns(page.width)
    yield page.line((_row(map(page.printable, heads), widths), page.muted))
    rows = {**page.measured.layers, "total": page.measured.total}
    for name, measure in rows.items():
        style = page.strong if name == "total" else page.text
        full, empty = _bar(measure.clipped_share, page.theme.ascii)
        first, *rest = widths
        cells = (
            share(measure.clipped_share),
            share(measure.clipped_share_nonzero),
            decimal(measure.cosine, 3 if widths[3] > 6 else 2),
            norms(measure, "→"),
            size(measure.update_ratio, 2),
        )
        yield page.line(
            (set_cell_size(page.printable(name), first), style),
            (full, page.ink.beyond),
            (empty, page.faint),
            (_row(map(page.printable, cells), (rest[0] - BAR, *rest[1:])), style),
        )


def _columns(width: int) -> tuple[int, ...]:
    """Column widths: layer, % of elements clipped with its bar, of nonzero, cos, norms, update ratio."""
    wide = (8, BAR + 7, 12, 8, 21, 11)
    return wide if width > sum(wide) else (6, BAR + 6, 0, 6, 21, 10)


def _row(cells: Iterable[str], widths: Iterable[int]) -> str:
    """Texts aligned right, the first two headings left; columns of width 0 are left out."""
    parts = []
    for text, width in zip(cells, widths, strict=True):
        left = text.startswith(("layer", "elements"))
        blank = " " * max(0, width - cell_len(text))
        parts.append((text + blank if left else blank + text) if width else "")
    return "".join(parts)


def _bar(fraction: float, ascii: bool) -> tuple[str, str]:
    filled = round(BAR * min(1.0, max(0.0, fraction))) or (1 if fraction > 0 else 0)
    return ("#" if ascii else "█") * filled, ("." if ascii else "░") * (BAR - filled)


def _update(page: _Page) -> Iterator[Strip]:
    """Steps clipped and the update. The lines depend only on the width, so that lanes side by side stay aligned."""
    measured, total = page.measured, page.measured.total
    steps = ("steps clipped", f"{share(measured.engaged_recently)} of the last 100, {share(measured.engaged)} of all")
    nonfinite = ("non-finite elements", f"{measured.nan + measured.infinite:,}")
    counterfactual = (
        ("counterfactual cos", decimal(total.shadow_cosine, 3)),
        ("difference", share(total.shadow_distance)),
    )
    sizes = ("|step|/lr", decimal(total.step_size)), ("sign cos", decimal(total.sign_cosine, 3))
    wide = (steps, nonfinite), (*counterfactual, *sizes)
    narrow = (steps,), counterfactual, (*sizes, nonfinite)
    for figures in wide if page.width >= WIDE else narrow:
        yield from _figures(page, *figures)


def _distances(page: _Page, state: RunState) -> Iterator[Strip]:
    for (first, second), found in state.compared.items():
        if page.lane.name in (first, second):
            other = second if page.lane.name == first else first
            yield from _difference(page, lane_names(state.lanes).get(other, other), found)


def _difference(page: _Page, other: str, found: LanesCompared) -> Iterator[Strip]:
    label = "parameter distance (L2)" if page.width >= WIDE else "distance (L2)"
    return _figures(
        page, (f"to {other}: {label}", size(found.distance)), ("predictions differ on", share(found.disagreement))
    )


def _figures(page: _Page, *figures: tuple[str, str]) -> Iterator[Strip]:
    """Named figures, in as many lines as they need."""
    parts: list[tuple[str, Style]] = []
    for name, value in figures:
        if parts and sum(cell_len(text) for text, _ in parts) + cell_len(f"    {name} {value}") > page.width:
            yield page.line(*parts)
            parts = []
        parts += [(f"{'   ' if parts else ''}{name} ", page.muted), (value, page.text)]
    yield page.line(*parts)


def _outputs(page: _Page) -> Iterator[Strip]:
    measured = page.measured
    cells = [*page.line(("outputs ", page.muted)).crop(0, 9)]
    cells += output_cells(page.number, dead_outputs(page.lane), " ", page.theme)
    rest = page.line(
        (" ", page.text), (share(measured.dead_share), page.text), (" of images in a dead class", page.muted)
    )
    yield Strip([*cells, *rest]).adjust_cell_length(page.width, page.text)
    units = " ".join(f"{name} {count}" for name, count in measured.dead.items() if name != "outputs")
    yield from _figures(page, ("dead units", units))
    yield from _figures(page, ("died †, recovered ↑ ", _changes(page)))


def _changes(page: _Page) -> str:
    """The newest outputs that died or recovered, each with its step, as many as fit."""
    words = ""
    for change in reversed(page.lane.outputs_changed[-MAX_CHANGES:]):
        sign = "†" if isinstance(change, OutputDied) else "↑"
        more = f"{sign}{change.output} at {change.step:,}"
        if len(words) + len(more) > page.width - 26:
            break
        words = f"{words}  {more}" if words else more
    return words or "none"


def _histogram(page: _Page, bars: int, *, by_layer: bool) -> Iterator[Strip]:
    total, bounds = page.measured.total, value_bounds(recorded_rule(page.lane.rule))
    strips = histogram_strips(total.histogram, bounds, page.width, bars, page.ink)
    if page.width >= WIDE:
        yield from _with_counts(strips, list(_counts(total.histogram)), list(_percentiles(total)), page)
    else:
        yield from _figures(page, *_counts(total.histogram))
        yield from _figures(page, *_percentiles(total))
        yield from strips
    if by_layer:
        end = strips_end(page.width)
        for name, measure in page.measured.layers.items():
            bins = sparkline(measure.histogram, bounds, page.width, page.ink).crop(0, end)
            yield Strip([*bins, Segment(f" {page.printable(name)}", page.muted)]).adjust_cell_length(
                page.width, page.muted
            )


def _with_counts(
    strips: list[Strip], counts: list[tuple[str, str]], percentiles: list[tuple[str, str]], page: _Page
) -> Iterator[Strip]:
    """The bars, with counts and percentiles in two columns to their right."""
    end = strips_end(page.width)
    for strip, left, right in zip_longest(strips, counts, percentiles):
        if not (left or right):
            yield strip
            continue
        parts = [*strip.crop(0, end)]
        for (name, value), width in ((left or ("", ""), 6), (right or ("", ""), 5)):
            parts += [Segment(f"  {name:{width}}", page.muted), Segment(f"{page.printable(value):>7}", page.text)]
        yield Strip(parts).adjust_cell_length(page.width, page.text)


def _counts(histogram: Histogram) -> Iterator[tuple[str, str]]:
    counts = ("zero", histogram.zero), ("under", histogram.under), ("over", histogram.over)
    for name, count in (*counts, ("NaN", histogram.nan), ("Inf", histogram.inf)):
        yield name, f"{count:,}"


def _percentiles(total: Measure) -> Iterator[tuple[str, str]]:
    values = total.percentiles or (None, None, None)
    for name, value in zip(("50 %", "90 %", "99 %"), values, strict=True):
        yield name, size(value, 2)


def diagnostics_pages(state: RunState, selected: int, width: int, height: int, theme: Theme) -> list[Strip]:
    """As many lanes side by side as fit, always including the selected one; nothing on a very narrow screen."""
    lanes = list(enumerate(state.lanes.values()))
    if not lanes or width < MIN_WIDTH:
        return []
    visible = visible_lanes(selected, len(lanes), width // MIN_LANE_WIDTH)
    gap = Strip([Segment(" ", theme.palette.style(theme.palette.foreground))])
    room = (width - (len(visible) - 1)) // len(visible)
    shown = [lanes[number] for number in visible]
    head = 1 + max(len(_conclusion(lane, state, room)) for _, lane in shown)
    pages = [diagnostics_page(n, lane, state, room, height, theme, head_lines=head) for n, lane in shown]
    blank = Strip.blank(room, theme.palette.style(theme.palette.foreground))
    rows = zip_longest(*pages, fillvalue=blank)
    return [Strip.join([part for strip in row for part in (gap, strip)][1:]) for row in rows]

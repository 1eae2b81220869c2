"""One lane's diagnostics as strips: conclusion, table by layer, shadow, outputs, histogram."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.stream.events import Diagnosed, LanesCompared, OutputDied
from ...core.stream.measures import Histogram, Measure
from ...core.stream.rules import recorded_rule
from ...core.stream.state import LaneState, RunState
from ...core.text import printable
from ..style.theme import Theme
from ..text.notation import decimal, in_ascii, norms, share, size
from ..text.readings import dead_outputs
from ..text.wrapping import wrapped
from ..view.window import lanes_in_sight
from .explanation import explanation
from .heading import output_cells
from .histogram import Ink, histogram_strips, sparkline, strips_end, value_bounds

# The least and the most lines of bars.
FLATTEST, TALLEST = 4, 14
BAR = 10
CHANGES_SHOWN = 12
# Two lanes side by side have so many cells each.
NARROWEST = 66
# Before it is laid out a widget has no width.
LEAST = 20
# So wide a page has the counts beside the bars.
BESIDE = 79


@dataclass(frozen=True)
class _Page:
    """A lane, what was measured of it, and the styles on the screen's own background."""

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
        """Words in their styles as one line of the page, a blank before them."""
        segments = [Segment(" ", self.text), *(Segment(self.shown(text), style) for text, style in parts)]
        return Strip(segments).adjust_cell_length(self.width, self.text)

    def shown(self, text: str) -> str:
        return printable(in_ascii(text) if self.theme.ascii else text)


def diagnostics_page(
    number: int, lane: LaneState, state: RunState, width: int, height: int, theme: Theme, *, head_lines: int = 0
) -> list[Strip]:
    """As many lines as there is something to say, spread over `height` where that is enough.

    The head takes `head_lines` at least, so that the tables of lanes side by side begin at the same line.
    """
    # Cells and bars of a heading lie on a bar; here they lie on the screen.
    theme = replace(theme, panel=theme.palette.background)
    if lane.diagnosed is None:
        words = "nothing is measured of this lane" if lane.latest else "nothing is measured yet"
        style = theme.palette.style(theme.palette.muted)
        return [Strip([Segment(f" {words}", style)]).adjust_cell_length(width, style)]
    page = _Page(number, lane, lane.diagnosed, width, theme)
    head = list(_head(page, state))
    sections = [
        [*head, *[page.line()] * (head_lines - len(head))],
        list(_table(page)),
        [*_shadow(page), *_compared(page, state)],
        list(_outputs(page)),
    ]
    taken = sum(map(len, sections))
    layers = len(page.measured.layers)
    # Under the bars are the floor with the bound and its labels; where there is no room beside them, two lines above.
    room = height - taken - (2 if width >= BESIDE else 4) - len(sections)
    by_layer = room >= FLATTEST + layers
    bars = max(FLATTEST, min(TALLEST, room - (layers if by_layer else 0)))
    sections.append(list(_histogram(page, bars, by_layer=by_layer)))
    gap = [page.line()] if height >= sum(map(len, sections)) + len(sections) - 1 else []
    return [strip for section in sections for strip in (*section, *gap)]


def _head(page: _Page, state: RunState) -> Iterator[Strip]:
    rule = "not clipped" if page.lane.rule == "none" else page.lane.rule
    yield page.line(
        (f"{page.theme.glyphs.symbol(page.number)} {page.lane.name}", page.theme.lane(page.number, bold=True)),
        (f"   {rule}", page.strong),
        (f"   measured at step {page.measured.step:,}", page.muted),
    )
    for line in _explained(page.lane, state, page.width):
        yield page.line((line, page.warning))


def _explained(lane: LaneState, state: RunState, width: int) -> list[str]:
    return wrapped(explanation(state, lane) or "", width - 2) or [""]


def _table(page: _Page) -> Iterator[Strip]:
    heads = ("layer", "saturation".ljust(BAR + 6), "of nonzero", "cos", "‖g‖ → ‖ĝ‖", "‖Δw‖/‖w‖")
    widths = _columns(page.width)
    yield page.line((_row(map(page.shown, heads), widths), page.muted))
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
            (set_cell_size(page.shown(name), first), style),
            (full, page.ink.beyond),
            (empty, page.faint),
            (_row(map(page.shown, cells), (rest[0] - BAR, *rest[1:])), style),
        )


def _columns(width: int) -> tuple[int, ...]:
    """Cells of each column: layer, saturation with its bar, of nonzero, cos, norms, update ratio."""
    wide = (8, BAR + 7, 12, 8, 21, 11)
    return wide if width > sum(wide) else (6, BAR + 6, 0, 6, 21, 10)


def _row(cells: Iterable[str], widths: Iterable[int]) -> str:
    """Texts to the right of their columns, the first of a line of heads to the left; a column of no width is gone."""
    parts = []
    for text, width in zip(cells, widths, strict=True):
        left = text.startswith(("layer", "saturation"))
        blank = " " * max(0, width - cell_len(text))
        parts.append((text + blank if left else blank + text) if width else "")
    return "".join(parts)


def _bar(part: float, ascii: bool) -> tuple[str, str]:
    filled = round(BAR * min(1.0, max(0.0, part))) or (1 if part > 0 else 0)
    return ("#" if ascii else "█") * filled, ("." if ascii else "░") * (BAR - filled)


def _shadow(page: _Page) -> Iterator[Strip]:
    measured, total = page.measured, page.measured.total
    yield from _named(
        page,
        ("engaged", f"{share(measured.engaged_recently)} of the last 100 steps, {share(measured.engaged)} of all"),
        ("not finite", f"{measured.nan + measured.infinite:,} so far"),
    )
    yield from _named(
        page,
        ("shadow cos", decimal(total.shadow_cosine, 3)),
        ("apart", share(total.shadow_distance)),
        ("|step|/lr", decimal(total.step_size)),
        ("sign cos", decimal(total.sign_cosine, 3)),
    )


def _compared(page: _Page, state: RunState) -> Iterator[Strip]:
    for (first, second), found in state.compared.items():
        if page.lane.name in (first, second):
            yield from _distance(page, second if page.lane.name == first else first, found)


def _distance(page: _Page, other: str, found: LanesCompared) -> Iterator[Strip]:
    return _named(page, (f"to {other}: distance", size(found.distance)), ("answers differ", share(found.disagreement)))


def _named(page: _Page, *figures: tuple[str, str]) -> Iterator[Strip]:
    """Figures after their names, in as many lines as they need."""
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
        (" ", page.text), (share(measured.dead_share), page.text), (" of images of a dead class", page.muted)
    )
    yield Strip([*cells, *rest]).adjust_cell_length(page.width, page.text)
    units = " ".join(f"{name} {count}" for name, count in measured.dead.items() if name != "outputs")
    yield from _named(page, ("dead units", units))
    yield from _named(page, ("deaths †, revivals ↑ ", _changes(page)))


def _changes(page: _Page) -> str:
    """The newest deaths and revivals that there is room for, each with its step."""
    words = ""
    for change in reversed(page.lane.outputs_changed[-CHANGES_SHOWN:]):
        sign = "†" if isinstance(change, OutputDied) else "↑"
        more = f"{sign}{change.output} at {change.step:,}"
        if len(words) + len(more) > page.width - 26:
            break
        words = f"{words}  {more}" if words else more
    return words or "none"


def _histogram(page: _Page, bars: int, *, by_layer: bool) -> Iterator[Strip]:
    total, bounds = page.measured.total, value_bounds(recorded_rule(page.lane.rule))
    strips = histogram_strips(total.histogram, bounds, page.width, bars, page.ink)
    if page.width >= BESIDE:
        yield from _beside(strips, list(_counts(total.histogram)), list(_percentiles(total)), page)
    else:
        yield from _named(page, *_counts(total.histogram))
        yield from _named(page, *_percentiles(total))
        yield from strips
    if by_layer:
        end = strips_end(page.width)
        for name, measure in page.measured.layers.items():
            bins = sparkline(measure.histogram, bounds, page.width, page.ink).crop(0, end)
            yield Strip([*bins, Segment(f" {page.shown(name)}", page.muted)]).adjust_cell_length(page.width, page.muted)


def _beside(
    strips: list[Strip], counts: list[tuple[str, str]], percentiles: list[tuple[str, str]], page: _Page
) -> Iterator[Strip]:
    """Counts and percentiles in two columns to the right of the bars."""
    end = strips_end(page.width)
    for strip, left, right in zip_longest(strips, counts, percentiles):
        if not (left or right):
            yield strip
            continue
        parts = [*strip.crop(0, end)]
        for (name, value), width in ((left or ("", ""), 6), (right or ("", ""), 5)):
            parts += [Segment(f"  {name:{width}}", page.muted), Segment(f"{page.shown(value):>7}", page.text)]
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
    """Lanes side by side as far as each has room, the selected one among them; nothing where there is no room."""
    lanes = list(enumerate(state.lanes.values()))
    if not lanes or width < LEAST:
        return []
    sight = lanes_in_sight(selected, len(lanes), width // NARROWEST)
    gap = Strip([Segment(" ", theme.palette.style(theme.palette.foreground))])
    room = (width - (len(sight) - 1)) // len(sight)
    shown = [lanes[number] for number in sight]
    head = 1 + max(len(_explained(lane, state, room)) for _, lane in shown)
    pages = [diagnostics_page(n, lane, state, room, height, theme, head_lines=head) for n, lane in shown]
    blank = Strip.blank(room, theme.palette.style(theme.palette.foreground))
    rows = zip_longest(*pages, fillvalue=blank)
    return [Strip.join([part for strip in row for part in (gap, strip)][1:]) for row in rows]

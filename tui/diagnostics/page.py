"""The diagnostics: pages of lanes side by side, with every section on the same lines in all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import zip_longest

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from ...core.stream.rules import recorded_rule
from ...core.stream.state import RunState
from ..style.theme import Theme
from ..text.explanation import explanation
from ..text.lane_names import lane_name
from ..text.rule_words import rule_since, rule_words
from ..text.setting_words import own_settings
from ..text.wrapping import wrapped
from ..view.step_window import visible_lanes
from .distribution import distribution, lines_without_bars, tallest_bins
from .figures import figures, gauges
from .lane_page import LanePage
from .layer_table import layer_table
from .trend import History, no_history

# Lines of bars in the histogram.
MIN_BARS, MAX_BARS = 4, 16
# The minimum width of a page if lanes are side by side: two of them in 120 columns.
MIN_LANE_WIDTH = 59
# Narrower widgets are not laid out yet.
MIN_WIDTH = 20
# The sections between the head and the distribution.
_SECTIONS: tuple[Callable[[LanePage, RunState], Iterable[Strip]], ...] = (layer_table, figures, gauges)


def diagnostics_pages(
    state: RunState, selected: int, width: int, height: int, theme: Theme, history: History = no_history
) -> list[Strip]:
    """As many lanes side by side as fit, always including the selected one; nothing on a very narrow screen.

    If `height` allows, there are blank lines between the sections, a histogram of each layer and higher bars.
    """
    if not state.lanes or width < MIN_WIDTH:
        return []
    visible = pages_in(selected, len(state.lanes), width)
    room = (width - (len(visible) - 1)) // len(visible)
    # Output cells are drawn on the screen's background here, not on a bar's.
    theme = replace(theme, panel=theme.palette.background)
    lanes = list(state.lanes.values())
    pages = [LanePage(number, lanes[number], room, theme, history) for number in visible]
    sections = [
        _aligned(pages, [_head(page, state, selected, len(visible)) for page in pages], width),
        *(_aligned(pages, [part(page, state) if page.measured else [] for page in pages], width) for part in _SECTIONS),
    ]
    free = height - sum(map(len, sections)) - len(sections)
    sections.append(_aligned(pages, _distributions(pages, free), width))
    sections = [section for section in sections if section]
    fits = height >= sum(map(len, sections)) + len(sections) - 1
    gap = _aligned(pages, [[page.line()] for page in pages], width) if fits else []
    return [line for number, section in enumerate(sections) for line in (*(gap if number else []), *section)]


def pages_in(selected: int, count: int, width: int) -> range:
    """The lanes of `count` whose pages fit side by side, always including the selected one."""
    return visible_lanes(selected, count, (width + 1) // (MIN_LANE_WIDTH + 1))


def _aligned(pages: Sequence[LanePage], columns: Iterable[Iterable[Strip]], width: int) -> list[Strip]:
    """A section of all lanes side by side, a blank column apart."""
    style, blank = pages[0].text, pages[0].line()
    gap = Strip([Segment(" ", style)])
    rows = (
        Strip.join([part for strip in row for part in (gap, strip)][1:])
        for row in zip_longest(*columns, fillvalue=blank)
    )
    return [row.adjust_cell_length(width, style) for row in rows]


def _head(page: LanePage, state: RunState, selected: int, visible: int) -> list[Strip]:
    """The lane, its rule and the step; the conclusion. The selected lane is marked if not all of them fit."""
    count, is_selected, theme = len(state.lanes), page.number == selected, page.theme
    tab = page.theme.printable(f" {page.number + 1} of {count} · tab ") if visible < count and is_selected else ""
    name = f"{theme.glyphs.symbol(page.number)} {lane_name(page.lane.name)}"
    room = page.width - 4 - cell_len(page.theme.printable(name)) - cell_len(tab)
    rule, step = _rule_and_step(page, state, room)
    marked = theme.lane(page.number, bold=True, reverse=visible > 1 and is_selected)
    line = page.line((name, marked), (f"   {rule}", page.strong), (step, page.muted))
    first = Strip([*line.adjust_cell_length(page.width - cell_len(tab), page.text), Segment(tab, page.strong)])
    return [first, *(page.line((words, page.warning)) for words in wrapped(_conclusion(page, state), page.width - 2))]


def _rule_and_step(page: LanePage, state: RunState, room: int) -> tuple[str, str]:
    """The rule with what the lane has of its own beside it, and when it was measured, in the longest forms that fit.

    If there is room, the learning rate follows even if it is that of all lanes.
    """
    lane, own = page.lane, own_settings(state, page.lane)
    measured = f"{lane.diagnosed.step:,}" if lane.diagnosed else ""
    steps = [f"   measured at step {measured}", f"   step {measured}"] if measured else [""]
    forms = rule_words(recorded_rule(lane.rule), rule_since(lane), watched=lane.watched)
    kinds = dict.fromkeys((own, own[:1], ()))
    pairs = [("   ".join((form, *more)), step) for more in kinds for step in steps for form in forms]
    rules = [(page.theme.printable(rule), step) for rule, step in pairs]
    rule, step = next((one for one in rules if cell_len("".join(one)) <= room), rules[-1])
    rate = () if lane.learning_rate is None else (f"lr {lane.learning_rate:g}",)
    whole = "   ".join((rule, *rate))
    return (rule if rate == own[:1] or cell_len(whole + step) > room else whole), step


def _conclusion(page: LanePage, state: RunState) -> str:
    if page.measured:
        return explanation(state, page.lane) or ""
    return "No diagnostics were measured for this lane." if page.lane.latest else "No measurements yet."


def _distributions(pages: Sequence[LanePage], room: int) -> list[Iterable[Strip]]:
    """The distributions of all lanes on one scale, with as many lines of bars as fit into `room` lines."""
    measured = [page for page in pages if page.measured]
    layers = max((len(page.layers) for page in measured), default=0)
    room -= max(map(lines_without_bars, measured), default=0)
    by_layer = room >= MIN_BARS + layers
    bars = max(MIN_BARS, min(MAX_BARS, room - (layers if by_layer else 0)))
    tallest = tallest_bins(measured)
    return [distribution(page, bars, tallest, by_layer=by_layer) if page.measured else () for page in pages]

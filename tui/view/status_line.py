"""The status line: a message, and the difference between two lanes."""

from __future__ import annotations

from collections.abc import Iterator

from textual.strip import Strip

from ...core.stream.experiment_info import LOSS
from ..style.theme import Theme
from ..text.lane_names import lane_names
from ..text.metric_words import difference_words, short_name
from .bar import Part, bar, needed_cells
from .run_view import RunView


def status(
    message: str,
    *,
    alert: bool,
    view: RunView,
    pair: tuple[str, str] | None,
    width: int,
    theme: Theme,
    at: int | None = None,
) -> Strip:
    """The message, and as much as fits of the difference between two lanes at the newest step, or at step `at`."""
    message = theme.glyphs.shortened(theme.printable(message), max(1, width - 2))
    left = Part(f" {message} " if alert else message, theme.alert if alert else theme.text)
    differences = _differences(pair, view, theme, at) if pair else iter(())
    right = next((parts for parts in differences if needed_cells([left, *parts]) <= width), [])
    return bar([left], right, width, theme)


def _differences(pair: tuple[str, str], view: RunView, theme: Theme, at: int | None) -> Iterator[list[Part]]:
    """The difference, second minus first lane, from the longest form to the shortest; each form names both lanes."""
    failed = any(lane.failed for lane in map(view.state.lanes.get, pair) if lane)
    # After a failure the newest common step is long gone, but the cursor may be on it.
    if (found := None if failed and at is None else view.differences(*pair, at)) is None:
        return
    step, loss, value = found
    main = view.state.experiment.main
    minus, delta = ("-", "diff ") if theme.ascii else ("\N{MINUS SIGN}", "Δ")
    lanes, shown = list(view.state.lanes), lane_names(view.state.lanes)
    one, other = (shown.get(name, name) for name in pair)
    names = short = f"{other} {minus} {one}"
    if len(lanes) <= len(theme.glyphs.heads):
        # Every lane has its own symbol.
        short = minus.join(theme.glyphs.symbol(lanes.index(name)) for name in reversed(pair))
    less = Part(f"{delta}loss {difference_words(LOSS, loss)}", theme.text)
    more, in_short = [], []
    if value is not None:
        words = difference_words(main, value)
        more, in_short = ([Part(f"{delta}{name} {words} ", theme.text)] for name in (main.words, short_name(main)))
    yield [Part(f"{names} at step {step:,}:", theme.muted), less, *more]
    yield [Part(f"{names}:", theme.muted), less, *more]
    yield [Part(f"{short}:", theme.muted), less, *more]
    yield [Part(f"{short}:", theme.muted), less, *in_short]
    yield [Part(f"{short}:", theme.muted), less]

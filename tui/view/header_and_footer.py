"""The screen's bars as pure functions: title, lane heading, status line and key line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.safe_text import printable
from ...core.statistics.intervals import wilson_interval
from ...core.stream.config import RunConfig
from ...core.stream.events import DatasetInfo
from ...core.stream.state import LaneState, RunState
from ..style.theme import Theme
from ..text.number_format import duration
from ..text.wording import head_words, speed_limit_words
from .keys import KEYS, Key, keycaps
from .run_view import LaneView, RunView

# The title explains its warnings from this width on.
_WIDE = 100


@dataclass(frozen=True)
class Part:
    """A piece of a bar. If the bar is too narrow, the parts with the highest `rank` are dropped first."""

    text: str
    style: Style
    rank: int = 0


def bar(left: list[Part], right: list[Part], width: int, theme: Theme) -> Strip:
    """A line of exactly `width` cells: parts two blanks apart, the `right` ones flush right."""
    left, right = (
        [replace(part, text=printable(part.text, ascii=theme.ascii)) for part in side] for side in (left, right)
    )
    parts = [part for part in (*left, *right) if part.text]
    while len(parts) > 1 and _needed(parts) > width:
        parts.remove(max(parts, key=lambda part: part.rank))
    start = _joined([part for part in parts if part in left], theme)
    if parts and not parts[0].text.startswith(" "):
        start = Strip.join([Strip([Segment(" ", theme.text)]), start])
    end = _joined([part for part in parts if part in right], theme)
    room = max(0, width - end.cell_length)
    return Strip.join([start.adjust_cell_length(room, theme.text), end]).adjust_cell_length(width, theme.text)


def title(
    view: RunView,
    width: int,
    theme: Theme,
    *,
    next_head: str | None,
    waited: float = 0.0,
    visible: range = range(0),
) -> Strip:
    """Data set, seed, head, step, state, speed and warnings, and the lanes `visible` if some do not fit.

    Before a run starts: the stage of preparation, and the `waited` seconds since it began.
    """
    state = view.state
    name = Part("clipwatch", theme.strong, 7)
    stopped = Part(" engine stopped " if view.engine_gone else "", theme.alert, 1)
    if state.config is None or state.dataset is None:
        return bar([name, Part(_preparing(state, waited), theme.text)], [stopped], width, theme)
    config, dataset = state.config, state.dataset
    parts = [
        name,
        Part(dataset.name, theme.strong),
        Part(f"seed {config.seed}", theme.text, 3),
        Part(head_words(config.head), theme.muted, 6),
        Part(f"(next: {head_words(next_head)})" if next_head and next_head != config.head else "", theme.text, 5),
        Part(_steps(state), theme.text, 2),
        Part(_lanes(visible, len(state.lanes)), theme.text, 3),
        stopped if view.engine_gone else Part(_status(state), theme.strong, 1),
        Part(_speed(view), theme.muted, 4),
    ]
    return bar(parts, _warnings(config, dataset, state, width, theme), width, theme)


def _warnings(config: RunConfig, dataset: DatasetInfo, state: RunState, width: int, theme: Theme) -> list[Part]:
    """Warnings about the run: a replay, a substitute data set, a change mid-run."""
    stands_in = config.dataset == "auto" and dataset.name == "digits"
    return [
        Part(" replay " if state.replay else "", theme.alert),
        Part(" embedded digits, not MNIST " if stands_in else "", theme.alert),
        Part(f" {_change_warning(state, width)} " if state.changed_mid_run else "", theme.alert, 1),
    ]


def lane_heading(
    number: int, lane: LaneState, view: LaneView, width: int, theme: Theme, *, selected: bool
) -> list[Strip]:
    """Two lines: name, rule and step count; then progress, speed and time left, or the result."""
    name, rule = _name_and_rule(number, lane, width, theme)
    changed = f"changed at step {lane.changed_at[-1]}" if lane.changed_at else ""
    first = bar(
        [
            Part(name, theme.lane(number, bold=True, reverse=selected)),
            Part(rule, theme.text, 1),
            Part(changed, theme.alert, 3),
        ],
        [Part(f"{lane.step:,} / {lane.iterations:,} ", theme.muted, 2)],
        width,
        theme,
    )
    return [first, _progress(number, lane, view, width, theme)]


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
    message = printable(message.replace(" · ", "; ") if theme.ascii else message, ascii=theme.ascii)
    left = Part(f" {message} " if alert else message, theme.alert if alert else theme.text)
    differences = _differences(pair, view, theme, at) if pair else iter(())
    right = next((parts for parts in differences if _needed([left, *parts]) <= width), [])
    return bar([left], right, width, theme)


def key_line(keymap: Mapping[str, str], width: int, theme: Theme, *, replaying: bool = False) -> Strip:
    """As many keys as fit, always including help. Keys that do not apply to this kind of run are dimmed."""
    segments = []
    for name, key in _footer(keymap, width, theme, replaying):
        off = key.only == ("live" if replaying else "replay")
        segments += [Segment(f" {name}", theme.off if off else theme.strong)]
        segments += [Segment(f" {key.label} ", theme.off if off else theme.muted)]
    return Strip(segments).adjust_cell_length(width, theme.text)


def key_at(column: int, keymap: Mapping[str, str], width: int, theme: Theme, *, replaying: bool = False) -> Key | None:
    """The key that the key line shows at a column, None beside the keys."""
    end = 0
    for name, key in _footer(keymap, width, theme, replaying):
        end += cell_len(f" {name} {key.label} ")
        if column < end:
            return key
    return None


def _footer(keymap: Mapping[str, str], width: int, theme: Theme, replaying: bool) -> list[tuple[str, Key]]:
    """The keys of the key line with their names on the keyboard; those of the highest ranks are left out."""
    keys = [key for key in KEYS if key.footer and (replaying or key.only != "replay")]
    while True:
        names = [printable(keycaps(keymap.get(key.id, key.keys)), ascii=theme.ascii).split()[0] for key in keys]
        parts = list(zip(names, keys, strict=True))
        if sum(cell_len(name) + cell_len(key.label) + 3 for name, key in parts) <= width or len(keys) < 2:
            return parts
        keys.remove(max(reversed(keys), key=lambda key: (replaying and key.only == "live", key.footer)))


def _name_and_rule(number: int, lane: LaneState, width: int, theme: Theme) -> tuple[str, str]:
    """The lane's symbol and name, and its rule. The name is shortened before the rule; the symbol always stays."""
    symbol, name = f" {theme.glyphs.symbol(number)} ", printable(lane.name, ascii=theme.ascii)
    rule = printable(lane.rule, ascii=theme.ascii)
    if rule == "none" and cell_len(symbol + name) + 3 + len("not clipped") <= width:
        rule = "not clipped"
    # What is left for the name after the rule, two blanks before it, the symbol, and a blank after the name.
    room = width - cell_len(rule) - 2 - cell_len(symbol) - 1
    head = f"{symbol}{theme.glyphs.shortened(name, room)} " if room > 0 else symbol
    return head, theme.glyphs.shortened(rule, max(1, width - cell_len(head) - 2))


def _differences(pair: tuple[str, str], view: RunView, theme: Theme, at: int | None) -> Iterator[list[Part]]:
    """The difference, second minus first lane, from the longest form to the shortest; each form names both lanes."""
    if (found := view.differences(*pair, at)) is None:
        return
    step, loss, accuracy = found
    minus, delta = ("-", "diff ") if theme.ascii else ("\N{MINUS SIGN}", "Δ")
    one, other = (printable(name, ascii=theme.ascii) for name in pair)
    names = short = f"{other} {minus} {one}"
    lanes = list(view.state.lanes)
    if len(lanes) <= len(theme.glyphs.heads):
        # Every lane has its own symbol.
        short = minus.join(theme.glyphs.symbol(lanes.index(name)) for name in reversed(pair))
    less = Part(f"{delta}loss {loss:+.3f}", theme.text)
    more, in_short = (Part(f"{delta}{word} {accuracy:+.2f} ", theme.text) for word in ("accuracy", "acc"))
    yield [Part(f"{names} at step {step:,}:", theme.muted), less, more]
    yield [Part(f"{names}:", theme.muted), less, more]
    yield [Part(f"{short}:", theme.muted), less, more]
    yield [Part(f"{short}:", theme.muted), less, in_short]
    yield [Part(f"{short}:", theme.muted), less]


def _length(parts: list[Part]) -> int:
    return sum(cell_len(part.text) for part in parts) + 2 * (len(parts) - 1)


def _needed(parts: list[Part]) -> int:
    """The width of a bar of these parts, including the blank before the first."""
    return _length(parts) + (not parts[0].text.startswith(" "))


def _joined(parts: list[Part], theme: Theme) -> Strip:
    segments: list[Segment] = []
    for part in parts:
        segments += (
            [Segment("  ", theme.text), Segment(part.text, part.style)]
            if segments
            else [Segment(part.text, part.style)]
        )
    return Strip(segments)


def _preparing(state: RunState, waited: float) -> str:
    download = state.download
    if download is None:
        return f"{state.stage} ..." + (f" {waited:.0f} s" if waited >= 1 else "")
    megabytes = f"{download.received / 1e6:.1f} MB"
    if not download.total:
        return f"downloading {download.file}: {megabytes}"
    share = min(1.0, max(0.0, download.received / download.total))
    filled = round(20 * share)
    progress = "#" * filled + "." * (20 - filled)
    return f"downloading {download.file} [{progress}] {share:.0%} of {download.total / 1e6:.1f} MB"


def _change_warning(state: RunState, width: int) -> str:
    """The warning about a change mid-run; narrow titles leave out which change, so that the seed fits."""
    if width < _WIDE:
        return "changed mid-run"
    rule_changed = any(lane.changed_at for lane in state.lanes.values())
    what = "rule changed" if rule_changed else "optimizer state reset"
    return f"{what} mid-run: not a clean comparison"


def _lanes(visible: range, count: int) -> str:
    some = 0 < len(visible) < count
    return f"lanes {visible.start + 1} to {visible.stop} of {count}" if some else ""


def _steps(state: RunState) -> str:
    lanes = state.lanes.values()
    steps, iterations = (
        min((lane.step for lane in lanes), default=0),
        max((lane.iterations for lane in lanes), default=0),
    )
    return f"step {steps:,} / {iterations:,}"


def _status(state: RunState) -> str:
    if state.finished:
        return state.finished.reason
    kinds = {lane.status for lane in state.lanes.values()}
    for kind in ("training", "stepping", "paused"):
        if kind in kinds:
            return kind
    return "done" if kinds else "starting"


def _speed(view: RunView) -> str:
    speeds = [lane.steps_per_second for lane in view.lanes.values()]
    paces = {lane.pace for lane in view.state.lanes.values()}
    if len(paces) != 1:
        return ""
    limit = speed_limit_words(paces.pop())
    known = [speed for speed in speeds if speed]
    return f"{sum(known) / len(known):,.0f} steps/s ({limit.removesuffix(' steps/s')})" if known else limit


def _progress(number: int, lane: LaneState, view: LaneView, width: int, theme: Theme) -> Strip:
    if lane.failed:
        words = f" {lane.failed.reason} at step {lane.failed.step:,}: {lane.failed.cause} "
        return bar([Part(words, theme.alert)], [], width, theme)
    if lane.finished:
        low, high = wilson_interval(lane.finished.correct, lane.finished.total)
        accuracy = f"accuracy {lane.finished.correct / lane.finished.total:.3f}"
        interval = f" ({low:.3f}-{high:.3f})"
        if len(accuracy + interval) < width:
            accuracy += interval
        total = Part(f"on all {lane.finished.total:,} images", theme.muted, 2)
        return bar([Part(lane.status, theme.muted, 1), Part(accuracy, theme.strong), total], [], width, theme)
    speed = view.steps_per_second
    left = (lane.iterations - lane.step) / speed if speed else None
    words = [
        Part(f"{lane.step / lane.iterations:4.0%}", theme.text),
        Part("paused" if lane.status == "paused" else f"{speed:,.0f} steps/s" if speed else "", theme.muted, 1),
        Part(f"{duration(left)} left" if left is not None and lane.status == "training" else "", theme.muted, 2),
    ]
    room = max(4, min(40, width - _length([part for part in words if part.text]) - 5))
    filled = round(room * min(1.0, lane.step / lane.iterations))
    full, empty = ("#", ".") if theme.ascii else ("━", "─")
    progress = [Part(full * filled + empty * (room - filled), theme.lane(number))]
    return bar([*progress, *words], [], width, theme)

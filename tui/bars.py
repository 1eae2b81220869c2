"""The screen's lines of text as pure functions: title, the heading of a lane, status."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..core.state import LaneState, RunState
from ..core.statistics import wilson_interval
from ..core.text import printable
from .keys import KEYS, shown
from .look import Look
from .notation import duration
from .view import LaneView, RunView
from .wording import pace_words

# The least width of a title that gives reasons.
_ROOMY = 100


@dataclass(frozen=True)
class Part:
    """A piece of a bar; where room is short, parts with the highest `rank` are left out first."""

    text: str
    style: Style
    rank: int = 0


def bar(left: list[Part], right: list[Part], width: int, look: Look) -> Strip:
    """Parts with two blanks between them, the right ones at the right edge, in exactly `width` cells."""
    left, right = (
        [replace(part, text=printable(part.text, ascii=look.ascii)) for part in side] for side in (left, right)
    )
    parts = [part for part in (*left, *right) if part.text]
    while len(parts) > 1 and _needed(parts) > width:
        parts.remove(max(parts, key=lambda part: part.rank))
    start = _joined([part for part in parts if part in left], look)
    if parts and not parts[0].text.startswith(" "):
        start = Strip.join([Strip([Segment(" ", look.text)]), start])
    end = _joined([part for part in parts if part in right], look)
    room = max(0, width - end.cell_length)
    return Strip.join([start.adjust_cell_length(room, look.text), end]).adjust_cell_length(width, look.text)


def title(
    view: RunView,
    width: int,
    look: Look,
    *,
    ended: str | None,
    next_head: str | None,
    waited: float = 0.0,
    in_sight: range = range(0),
) -> Strip:
    """Data, seed, step, state and speed; in plain sight what makes the run other than it seems.

    Which lanes are `in_sight` is told where that is not all of them.

    Before a run, what is being done to prepare it, and for how many seconds that has been `waited` for.
    """
    state = view.state
    name = Part("clipwatch", look.strong, 7)
    if state.config is None or state.dataset is None:
        return bar([name, Part(_preparing(state, waited), look.text)], [Part(ended or "", look.alert)], width, look)
    config, dataset = state.config, state.dataset
    left = [
        name,
        Part(dataset.name, look.strong),
        Part(f"seed {config.seed}", look.text, 3),
        Part(f"{config.head} head", look.muted, 6),
        Part(f"(next: {next_head})" if next_head and next_head != config.head else "", look.text, 5),
        Part(_steps(state), look.text, 2),
        Part(_lanes(in_sight, len(state.lanes)), look.text, 3),
        Part(ended or _status(state), look.alert if ended else look.strong, 1),
        Part(_speed(view), look.muted, 4),
    ]
    stands_in = config.dataset == "auto" and dataset.name == "digits"
    right = [
        Part(" replay " if state.replay else "", look.alert),
        Part(" embedded digits, not MNIST " if stands_in else "", look.alert),
        Part(f" {_touched(state, width)}no clean comparison " if state.touched else "", look.alert, 1),
    ]
    return bar(left, right, width, look)


def lane_heading(number: int, lane: LaneState, view: LaneView, width: int, look: Look, *, chosen: bool) -> list[Strip]:
    """Two lines: the lane and its rule; how far it is, how fast, and how long it still takes."""
    name, rule = _name_and_rule(number, lane, width, look)
    changed = f"changed at step {lane.changed_at[-1]}" if lane.changed_at else ""
    first = bar(
        [
            Part(name, look.lane(number, bold=True, reverse=chosen)),
            Part(rule, look.text, 1),
            Part(changed, look.alert, 3),
        ],
        [Part(f"{lane.step:,} / {lane.iterations:,} ", look.muted, 2)],
        width,
        look,
    )
    return [first, _progress(number, lane, view, width, look)]


def status(
    message: str,
    *,
    alert: bool,
    view: RunView,
    pair: tuple[str, str] | None,
    width: int,
    look: Look,
    at: int | None = None,
) -> Strip:
    """What the last key did or what there is to know, and what there is room for of the difference of two lanes.

    The difference is the one now, or `at` a step.
    """
    message = printable(message, ascii=look.ascii)
    left = Part(f" {message} " if alert else message, look.alert if alert else look.text)
    differences = _differences(pair, view, look, at) if pair else iter(())
    right = next((parts for parts in differences if _needed([left, *parts]) <= width), [])
    return bar([left], right, width, look)


def key_line(keymap: Mapping[str, str], width: int, look: Look, *, replaying: bool = False) -> Strip:
    """The keys that are worth a place, as many as fit; help is always among them. What makes no sense steps back."""
    keys = [key for key in KEYS if key.footer and (replaying or key.only != "replay")]
    while True:
        names = [printable(shown(keymap.get(key.id, key.keys)), ascii=look.ascii).split()[0] for key in keys]
        parts = list(zip(names, keys, strict=True))
        if sum(cell_len(name) + cell_len(key.label) + 3 for name, key in parts) <= width or len(keys) < 2:
            break
        keys.remove(max(reversed(keys), key=lambda key: (replaying and key.only == "live", key.footer)))
    segments = []
    for name, key in parts:
        off = key.only == ("live" if replaying else "replay")
        segments += [Segment(f" {name}", look.off if off else look.strong)]
        segments += [Segment(f" {key.label} ", look.off if off else look.muted)]
    return Strip(segments).adjust_cell_length(width, look.text)


def _name_and_rule(number: int, lane: LaneState, width: int, look: Look) -> tuple[str, str]:
    """The rule in force is kept whole as long as it can be, at the cost of the name if need be, but for its symbol."""
    symbol, name = f" {look.symbol(number)} ", printable(lane.name, ascii=look.ascii)
    rule = printable(lane.rule, ascii=look.ascii)
    if rule == "none" and cell_len(symbol + name) + 3 + len("not clipped") <= width:
        rule = "not clipped"
    # Beside the rule, the two blanks before it, the symbol, and the blank that ends the name.
    room = width - cell_len(rule) - 2 - cell_len(symbol) - 1
    head = f"{symbol}{look.glyphs.shortened(name, room)} " if room > 0 else symbol
    return head, look.glyphs.shortened(rule, max(1, width - cell_len(head) - 2))


def _differences(pair: tuple[str, str], view: RunView, look: Look, at: int | None) -> Iterator[list[Part]]:
    """Second minus first lane of the pair, in ever fewer words; it always says which lanes these are."""
    if (found := view.differences(*pair, at)) is None:
        return
    step, loss, accuracy = found
    minus, delta = ("-", "diff ") if look.ascii else ("\N{MINUS SIGN}", "Δ")
    one, other = (printable(name, ascii=look.ascii) for name in pair)
    names = short = f"{other} {minus} {one}"
    lanes = list(view.state.lanes)
    if len(lanes) <= len(look.glyphs.heads):
        # No two lanes have the same symbol.
        short = minus.join(look.symbol(lanes.index(name)) for name in reversed(pair))
    less = Part(f"{delta}loss {loss:+.3f}", look.text)
    more, in_short = (Part(f"{delta}{word} {accuracy:+.2f} ", look.text) for word in ("accuracy", "acc"))
    yield [Part(f"{names} at step {step:,}:", look.muted), less, more]
    yield [Part(f"{names}:", look.muted), less, more]
    yield [Part(f"{short}:", look.muted), less, more]
    yield [Part(f"{short}:", look.muted), less, in_short]
    yield [Part(f"{short}:", look.muted), less]


def _length(parts: list[Part]) -> int:
    return sum(cell_len(part.text) for part in parts) + 2 * (len(parts) - 1)


def _needed(parts: list[Part]) -> int:
    """Cells that a bar of these parts takes: the first one has a blank before it."""
    return _length(parts) + (not parts[0].text.startswith(" "))


def _joined(parts: list[Part], look: Look) -> Strip:
    segments: list[Segment] = []
    for part in parts:
        segments += (
            [Segment("  ", look.text), Segment(part.text, part.style)] if segments else [Segment(part.text, part.style)]
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


def _touched(state: RunState, width: int) -> str:
    """Why it is none, where that leaves room for the seed: marks and headings tell it too."""
    if width < _ROOMY:
        return ""
    return "rule changed: " if any(lane.changed_at for lane in state.lanes.values()) else "moments reset: "


def _lanes(in_sight: range, count: int) -> str:
    some = 0 < len(in_sight) < count
    return f"lanes {in_sight.start + 1} to {in_sight.stop} of {count}" if some else ""


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
    pace = f"pace {pace_words(paces.pop())}" if len(paces) == 1 else ""
    known = [speed for speed in speeds if speed]
    return f"{pace}, {sum(known) / len(known):,.0f} reached" if known and pace else pace


def _progress(number: int, lane: LaneState, view: LaneView, width: int, look: Look) -> Strip:
    if lane.failed:
        words = f" {lane.failed.reason} at step {lane.failed.step:,}: {lane.failed.cause} "
        return bar([Part(words, look.alert)], [], width, look)
    if lane.finished:
        low, high = wilson_interval(lane.finished.correct, lane.finished.total)
        accuracy = f"accuracy {lane.finished.correct / lane.finished.total:.3f}"
        interval = f" ({low:.3f}-{high:.3f})"
        if len(accuracy + interval) < width:
            accuracy += interval
        total = Part(f"on all {lane.finished.total:,}", look.muted, 2)
        return bar([Part(lane.status, look.muted, 1), Part(accuracy, look.strong), total], [], width, look)
    speed = view.steps_per_second
    left = (lane.iterations - lane.step) / speed if speed else None
    words = [
        Part(f"{lane.step / lane.iterations:4.0%}", look.text),
        Part("paused" if lane.status == "paused" else f"{speed:,.0f} steps/s" if speed else "", look.muted, 1),
        Part(f"{duration(left)} left" if left is not None and lane.status == "training" else "", look.muted, 2),
    ]
    room = max(4, min(40, width - _length([part for part in words if part.text]) - 5))
    filled = round(room * min(1.0, lane.step / lane.iterations))
    full, empty = ("#", ".") if look.ascii else ("━", "─")
    progress = [Part(full * filled + empty * (room - filled), look.lane(number))]
    return bar([*progress, *words], [], width, look)

"""The screen's bars as pure functions: title, lane heading, status line and key line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.statistics.intervals import wilson_interval
from ...core.stream.config import RunConfig
from ...core.stream.events import DatasetInfo
from ...core.stream.rules import recorded_rule
from ...core.stream.state import LaneState, RunState
from ..style.theme import Theme
from ..text.lane_figures import dead_outputs
from ..text.lane_names import lane_name, lane_names
from ..text.number_format import duration
from ..text.rule_words import rule_words
from ..text.wording import head_words, replay_speed_words, speed_limit_words
from .keys import KEYS, Key, Phase
from .run_view import LaneView, RunView

# The title explains its warnings from this width on.
_WIDE = 100
# From here on a difference is written as a power of ten.
_LARGE = 1e4


@dataclass(frozen=True)
class Part:
    """A piece of a bar. If the bar is too narrow, the parts with the highest `rank` are dropped first."""

    text: str
    style: Style
    rank: int = 0


def bar(left: list[Part], right: list[Part], width: int, theme: Theme) -> Strip:
    """A line of exactly `width` cells: parts two blanks apart, the `right` ones flush right."""
    left, right = ([replace(part, text=theme.printable(part.text)) for part in side] for side in (left, right))
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
    waited: Mapping[str, float] = MappingProxyType({}),
    visible: range = range(0),
) -> Strip:
    """Data set, seed, head, step, state, speed and warnings, and the lanes `visible` if some do not fit.

    Before a run starts: the stages of its preparation, each with the seconds that it has `waited`.
    """
    state = view.state
    name = Part("clipwatch", theme.strong, 7)
    stopped = Part(" engine stopped " if view.engine_gone else "", theme.alert, 1)
    if state.config is None or state.dataset is None:
        file = Part(state.download.file if state.download else "", theme.muted, 8)
        return bar([name, Part(_preparing(state, waited), theme.text), file], [stopped], width, theme)
    config, dataset = state.config, state.dataset
    head = str(config.settings.get("head", ""))
    parts = [
        name,
        Part(dataset.name, theme.strong),
        Part(f"seed {config.seed}", theme.text, 3),
        Part(head_words(head), theme.muted, 6),
        Part(f"(next: {head_words(next_head)})" if next_head and next_head != head else "", theme.text, 5),
        Part(_steps(state), theme.text, 2),
        Part(_lanes(visible, len(state.lanes)), theme.strong),
        stopped if view.engine_gone else Part(_status(state), theme.strong, 1),
        Part(_speed(view), theme.muted, 4),
        Part("0: full speed" if _has_speed_limit(state) else "", theme.muted, 8),
    ]
    return bar(parts, _warnings(config, dataset, state, width, theme), width, theme)


def _warnings(config: RunConfig, dataset: DatasetInfo, state: RunState, width: int, theme: Theme) -> list[Part]:
    """Warnings about the run: a replay, a substitute data set, a change mid-run."""
    stands_in = config.settings.get("dataset") == "auto" and dataset.name == "digits"
    return [
        Part(_replayed(state, width), theme.alert),
        Part(" embedded digits, not MNIST " if stands_in else "", theme.alert),
        Part(f" {_change_warning(state, width)} " if state.changed_mid_run else "", theme.alert, 1),
    ]


def lane_heading(
    number: int,
    lane: LaneState,
    view: LaneView,
    sentence: Sequence[str],
    width: int,
    theme: Theme,
    *,
    selected: bool,
    beside: Sequence[LaneState] = (),
) -> list[Strip]:
    """Two lines: name, rule, and progress or result; then the sentence that explains the lane, given in forms.

    `beside` are all lanes: headings of one width show their progress in one form.
    """
    name, rule, right = _first_line(number, lane, view, width, theme, beside)
    style = theme.strong if lane.finished else theme.muted
    parts = [Part(name, theme.lane(number, bold=True, reverse=selected)), Part(rule, theme.text, 1)]
    return [bar(parts, [Part(right, style, 2)], width, theme), _sentence(lane, sentence, width, theme)]


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
    right = next((parts for parts in differences if _needed([left, *parts]) <= width), [])
    return bar([left], right, width, theme)


def key_line(
    keymap: Mapping[str, str], width: int, theme: Theme, *, phase: Phase = "training", keys: Sequence[Key] = KEYS
) -> Strip:
    """As many keys as fit, always including help; keys that do nothing now are struck out, and are dropped first."""
    segments = []
    for name, key in _footer(keymap, width, theme, phase, keys):
        off = not key.works_in(phase)
        segments += [Segment(" ", theme.text), Segment(name, theme.off if off else theme.strong)]
        segments += [Segment(" ", theme.text), Segment(key.label, theme.off if off else theme.muted)]
        segments += [Segment(" ", theme.text)]
    return Strip(segments).adjust_cell_length(width, theme.text)


def key_at(
    column: int,
    keymap: Mapping[str, str],
    width: int,
    theme: Theme,
    *,
    phase: Phase = "training",
    keys: Sequence[Key] = KEYS,
) -> Key | None:
    """The key that the key line shows at a column, None beside the keys."""
    end = 0
    for name, key in _footer(keymap, width, theme, phase, keys):
        end += cell_len(f" {name} {key.label} ")
        if column < end:
            return key
    return None


def _footer(
    keymap: Mapping[str, str], width: int, theme: Theme, phase: Phase, keys: Sequence[Key]
) -> list[tuple[str, Key]]:
    """The keys of the key line with their names on the keyboard; those of the highest ranks are left out."""
    keys = [key for key in keys if key.rank(phase) and (phase == "replay" or key.only != "replay")]
    while True:
        names = [theme.printable(key.caps(keymap)).split()[0] for key in keys]
        parts = list(zip(names, keys, strict=True))
        if sum(cell_len(name) + cell_len(key.label) + 3 for name, key in parts) <= width or len(keys) < 2:
            return parts
        last = max(reversed(keys), key=lambda key: (not key.works_in(phase), key.rank(phase)))
        # A key and its counterpart, such as slower and faster, have the same rank and go together.
        alike = (last.group, last.rank(phase)) if last.rank(phase) > 1 else None
        keys = [key for key in keys if key is not last and (key.group, key.rank(phase)) != alike]


def phase_of(state: RunState) -> Phase:
    """What the run is doing, as far as keys are concerned."""
    if state.replay:
        return "replay"
    if not state.lanes:
        return "waiting"
    return "ended" if all(lane.ended for lane in state.lanes.values()) else "training"


def _first_line(
    number: int, lane: LaneState, view: LaneView, width: int, theme: Theme, beside: Sequence[LaneState]
) -> tuple[str, str, str]:
    """The lane's name with its symbol, its rule, and its progress or result, in the longest forms that fit.

    Before its end, the rule in full comes first; after it, the result. The name is shortened last, its symbol never.
    """
    name, rules = _name(number, lane, theme), _rules(lane, theme)
    rights = [f"{form} " for form in (_result(lane) if lane.ended else _progress(lane, view, theme))]
    alike = [(one, other) for one, other in enumerate(beside) if bool(other.ended) == bool(lane.ended)]
    # The rule in its shortest form beside a result, in full beside the progress.
    room = width - 4 - max((_rule_end(*other, theme, form=-1 if lane.ended else 0) for other in alike), default=0)
    common = [right for right in rights if cell_len(right) <= room]
    if lane.ended:
        rights = common or rights
        pairs = [(rules[0], rights[0]), *((rule, right) for right in rights for rule in rules)]
    else:
        # That a rule was changed is worth more than the progress.
        dated = rules[:-1] if lane.changed_at else rules
        pairs = [(rules[0], right) for right in common[:1]] + [(rule, right) for rule in dated for right in rights]
    for rule, right in (*pairs, *((rule, "") for rule in rules)):
        if cell_len(name) + 2 + cell_len(rule) + (2 + cell_len(right) if right else 0) <= width:
            return name, rule, right
    rule, symbol = rules[-1], f" {theme.glyphs.symbol(number)} "
    # What is left for the name after the rule, two blanks before it, the symbol, and a blank after the name.
    room = width - cell_len(rule) - 2 - cell_len(symbol) - 1
    name = f"{symbol}{theme.glyphs.shortened(name.removeprefix(symbol).rstrip(), room)} " if room > 0 else symbol
    return name, theme.glyphs.shortened(rule, max(1, width - cell_len(name) - 2)), ""


def _name(number: int, lane: LaneState, theme: Theme) -> str:
    return f" {theme.glyphs.symbol(number)} {theme.printable(lane_name(number, lane.name))} "


def _rules(lane: LaneState, theme: Theme) -> list[str]:
    since = lane.changed_at[-1] if lane.changed_at else None
    return [theme.printable(form) for form in rule_words(recorded_rule(lane.rule), since)]


def _rule_end(number: int, lane: LaneState, theme: Theme, *, form: int) -> int:
    """The cells that a lane's name and a form of its rule take."""
    return cell_len(_name(number, lane, theme)) + cell_len(_rules(lane, theme)[form])


def _sentence(lane: LaneState, forms: Sequence[str], width: int, theme: Theme) -> Strip:
    """The longest form that fits; warnings stand out."""
    style = theme.alert if lane.failed else theme.warning if dead_outputs(lane) else theme.text
    shown = [theme.printable(form) for form in forms] or [""]
    text = next((form for form in shown if cell_len(form) + 2 <= width), shown[-1])
    if lane.failed and len(shown) > 1 and text == shown[-1]:
        # A cause may be any text: show as many of its words as fit.
        text = textwrap.shorten(shown[-2], max(len(text), width - 2), placeholder=theme.glyphs.ellipsis)
    return bar([Part(f" {text} " if text else "", style)], [], width, theme)


def _differences(pair: tuple[str, str], view: RunView, theme: Theme, at: int | None) -> Iterator[list[Part]]:
    """The difference, second minus first lane, from the longest form to the shortest; each form names both lanes."""
    failed = any(lane.failed for lane in map(view.state.lanes.get, pair) if lane)
    # After a failure the newest common step is long gone, but the cursor may be on it.
    if (found := None if failed and at is None else view.differences(*pair, at)) is None:
        return
    step, loss, accuracy = found
    minus, delta = ("-", "diff ") if theme.ascii else ("\N{MINUS SIGN}", "Δ")
    lanes, shown = list(view.state.lanes), lane_names(view.state.lanes)
    one, other = (shown.get(name, name) for name in pair)
    names = short = f"{other} {minus} {one}"
    if len(lanes) <= len(theme.glyphs.heads):
        # Every lane has its own symbol.
        short = minus.join(theme.glyphs.symbol(lanes.index(name)) for name in reversed(pair))
    less = Part(f"{delta}loss {loss:+.3f}" if abs(loss) < _LARGE else f"{delta}loss {loss:+.2e}", theme.text)
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


def _preparing(state: RunState, waited: Mapping[str, float]) -> str:
    download = state.download
    if download is None:
        return ", ".join(f"{stage} {waited.get(stage, 0.0):.1f} s" for stage in stages(state))
    seconds = f"{waited.get(stages(state)[0], 0.0):.1f} s"
    if not download.total:
        return f"downloading {download.received / 1e6:.1f} MB {seconds}"
    share = min(1.0, max(0.0, download.received / download.total))
    filled = round(20 * share)
    progress, megabytes = "#" * filled + "." * (20 - filled), download.total / 1e6
    return f"downloading {share * megabytes:.1f} of {megabytes:.1f} MB [{progress}] {seconds}"


def stages(state: RunState) -> list[str]:
    """The stages of the preparation that are going on at the same time."""
    return state.stage.split(" and ")


def _replayed(state: RunState, width: int) -> str:
    if state.replay is None:
        return ""
    return f" replay of {state.replay.run} " if width >= _WIDE else " replay "


def _change_warning(state: RunState, width: int) -> str:
    """The warning about a change mid-run; narrow titles leave out which change, so that the seed fits."""
    if width < _WIDE:
        return "changed mid-run"
    rule_changed = any(lane.changed_at for lane in state.lanes.values())
    what = "rule changed" if rule_changed else "optimizer state reset"
    return f"{what} mid-run: not a clean comparison"


def _lanes(visible: range, count: int) -> str:
    """Which lanes are in sight if not all are, and the key that shows the others."""
    if not 0 < len(visible) < count:
        return ""
    which = f"{visible.stop}" if len(visible) == 1 else f"lanes {visible.start + 1} to {visible.stop}"
    return f"{which} of {count} · tab"


def _steps(state: RunState) -> str:
    """The step that all lanes have reached; a lane that has failed stays behind for ever, so it does not count."""
    lanes = state.lanes.values()
    training, ended = [lane.step for lane in lanes if not lane.ended], [lane.step for lane in lanes if lane.ended]
    step = min(training) if training else max(ended, default=0)
    return f"step {step:,} / {max((lane.iterations for lane in lanes), default=0):,}"


def _status(state: RunState) -> str:
    if state.finished:
        return state.finished.reason
    kinds = {lane.status for lane in state.lanes.values()}
    for kind in ("training", "stepping", "paused"):
        if kind in kinds:
            return "replaying" if state.replay and kind == "training" else kind
    return "done" if kinds else "starting"


def _speed(view: RunView) -> str:
    known = [speed for lane in view.lanes.values() if (speed := lane.steps_per_second)]
    mean = sum(known) / len(known) if known else None
    if replay := view.state.replay:
        # The speed is that of the recorded training.
        shown = f"{mean * replay.speed:,.0f} steps/s, " if mean and replay.speed else ""
        return f"{shown}{replay_speed_words(replay.speed)}"
    paces = {lane.pace for lane in view.state.lanes.values()}
    if len(paces) != 1:
        return ""
    pace = paces.pop()
    if not mean:
        return speed_limit_words(pace)
    speed = f"{mean:,.0f}"
    words = "full speed" if pace is None else "speed limit" if speed == f"{pace:,g}" else f"speed limit {pace:g}"
    return f"{speed} steps/s ({words})"


def _has_speed_limit(state: RunState) -> bool:
    """Whether lanes train more slowly than they could, which a key changes."""
    return not state.replay and any(lane.pace and lane.status == "training" for lane in state.lanes.values())


def _progress(lane: LaneState, view: LaneView, theme: Theme) -> Iterator[str]:
    """Progress, speed and time left, from long to short."""
    speed, share = view.steps_per_second, min(1.0, lane.step / lane.iterations)
    if lane.status == "paused":
        rest = ["paused"]
    else:
        left = f"{duration((lane.iterations - lane.step) / speed):>4} left" if speed and lane.step else ""
        rest = [f"{speed:,.0f} steps/s", left] if speed and left else []
    percent = f"{100 * share:.0f} %".rjust(5)
    yield "  ".join([progress_bar(share, 20, theme), f"{lane.step:,} / {lane.iterations:,}", *rest])
    yield "  ".join([progress_bar(share, 10, theme), percent, *rest[-1:]])
    yield "  ".join([percent, *rest[-1:]])
    yield (rest or [percent])[-1].strip()


def progress_bar(share: float, cells: int, theme: Theme) -> str:
    """A bar of `cells` cells of which a share is full."""
    full, empty = ("#", ".") if theme.ascii else ("━", "─")
    filled = round(cells * share)
    return full * filled + empty * (cells - filled)


def _result(lane: LaneState) -> Iterator[str]:
    """The result of a lane that has ended, from long to short."""
    if not lane.finished:
        yield f"{lane.step:,} / {lane.iterations:,}"
        return
    low, high = wilson_interval(lane.finished.correct, lane.finished.total)
    share = f"{lane.finished.correct / lane.finished.total:.3f}"
    accuracy = f"accuracy {share} ({low:.3f}-{high:.3f})"
    stopped = f"{lane.status} at step {lane.step:,}  " if lane.status == "stopped" else ""
    yield f"{stopped}{accuracy} on all {lane.finished.total:,} images"
    yield accuracy
    yield f"accuracy {share}"
    yield share

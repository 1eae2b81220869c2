"""The first two lines of a lane's heading: its rule and progress or result, and the sentence that explains it."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from rich.cells import cell_len
from textual.strip import Strip

from ...core.stream.builtin_experiments import LENET
from ...core.stream.experiment_info import ExperimentInfo
from ...core.stream.lane_state import LaneState
from ...core.stream.rules import recorded_rule
from ...core.stream.series import final_values
from ..style.theme import Theme
from ..text.lane_figures import dead_outputs, is_saturated
from ..text.lane_names import lane_name
from ..text.metric_words import accuracy_interval, figure, value_words
from ..text.number_format import duration
from ..text.rule_words import rule_since, rule_words
from .bar import Part, bar, progress_bar
from .run_view import LaneView


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
    own: Mapping[str, Sequence[str]] = MappingProxyType({}),
    experiment: ExperimentInfo = LENET.info,
) -> list[Strip]:
    """Two lines: name, rule, and progress or result; then the sentence that explains the lane, given in forms.

    `beside` are all lanes: headings of one width show their progress in one form. `own`: what lanes have of their own
    beside their rules, by lane, the most important first.
    """
    name, rule, right = _first_line(number, lane, view, width, theme, beside, own, experiment)
    style = theme.strong if lane.finished or lane.loop_ended else theme.muted
    parts = [Part(name, theme.lane(number, bold=True, reverse=selected)), Part(rule, theme.text, 1)]
    return [bar(parts, [Part(right, style, 2)], width, theme), _sentence(lane, sentence, width, theme)]


def _first_line(
    number: int,
    lane: LaneState,
    view: LaneView,
    width: int,
    theme: Theme,
    beside: Sequence[LaneState],
    own: Mapping[str, Sequence[str]],
    experiment: ExperimentInfo,
) -> tuple[str, str, str]:
    """The lane's name with its symbol, its rule, and its progress or result, in the longest forms that fit.

    Before its end, the rule in full comes first; after it, the result. The name is shortened last, its symbol never.
    """
    name, forms = _name(number, lane, theme), _rules(lane, own, theme)
    rights = [f"{form} " for form in (_result(lane, experiment) if lane.ended else _progress(lane, view, theme))]
    alike = [(one, other) for one, other in enumerate(beside) if bool(other.ended) == bool(lane.ended)]
    # The rule in its shortest form beside a result, in full beside the progress.
    room = width - 4 - max((_rule_end(*other, own, theme, brief=lane.ended) for other in alike), default=0)
    common = [right for right in rights if cell_len(right) <= room]
    rules = [*forms.dated, *forms.undated]
    if lane.ended:
        rights = common or rights
        pairs = [(rules[0], rights[0]), *((rule, right) for right in rights for rule in rules)]
    else:
        # That a rule was changed, and the first of the lane's own settings, are worth more than the progress.
        pairs = [(rules[0], right) for right in common[:1]] + [
            (rule, right) for rule in forms.dated for right in rights
        ]
    if forms.bare:
        pairs += [(rules[-1], "")] if not lane.ended else []
        pairs += [(rule, right) for rule in forms.bare for right in rights]
        rules += forms.bare
    for rule, right in (*pairs, *((rule, "") for rule in rules)):
        if cell_len(name) + 2 + cell_len(rule) + (2 + cell_len(right) if right else 0) <= width:
            return name, rule, right
    rule, symbol = rules[-1], f" {theme.glyphs.symbol(number)} "
    # What is left for the name after the rule, two blanks before it, the symbol, and a blank after the name.
    room = width - cell_len(rule) - 2 - cell_len(symbol) - 1
    name = f"{symbol}{theme.glyphs.shortened(name.removeprefix(symbol).rstrip(), room)} " if room > 0 else symbol
    return name, theme.glyphs.shortened(rule, max(1, width - cell_len(name) - 2)), ""


def _name(number: int, lane: LaneState, theme: Theme) -> str:
    return f" {theme.glyphs.symbol(number)} {theme.printable(lane_name(lane.name))} "


class _RuleForms(NamedTuple):
    """A rule and what the lane has of its own, in forms from long to short.

    `undated`: without the step at which the rule was changed. `bare`: without anything of the lane's own.
    """

    dated: list[str]
    undated: list[str]
    bare: list[str]


def _rules(lane: LaneState, own: Mapping[str, Sequence[str]], theme: Theme) -> _RuleForms:
    since = rule_since(lane)
    forms = rule_words(recorded_rule(lane.rule), since, watched=lane.watched)
    parts = own.get(lane.name, ())
    # The least important are left out first.
    shown = [" · ".join(("", *parts[:length])) for length in range(len(parts), 0, -1)] or [""]
    dated, undated = (forms[:-1], forms[-1:]) if since is not None else (forms, ())
    shorter = (dated[-1] + more for more in shown[1:])
    return _RuleForms(
        dated=[*map(theme.printable, (one + shown[0] for one in dated)), *map(theme.printable, shorter)],
        undated=[theme.printable(one + more) for one in undated for more in shown],
        bare=[theme.printable(one) for one in (dated[-1], *undated)] if parts else [],
    )


def _rule_end(number: int, lane: LaneState, own: Mapping[str, Sequence[str]], theme: Theme, *, brief: bool) -> int:
    """The cells that a lane's name and its rule take, in full or as short as the first of its own settings allows."""
    forms = _rules(lane, own, theme)
    return cell_len(_name(number, lane, theme)) + cell_len([*forms.dated, *forms.undated][-1 if brief else 0])


def _sentence(lane: LaneState, forms: Sequence[str], width: int, theme: Theme) -> Strip:
    """The longest form that fits; warnings stand out."""
    style = theme.alert if lane.failed else theme.warning if dead_outputs(lane) or is_saturated(lane) else theme.text
    shown = [theme.printable(form) for form in forms] or [""]
    text = next((form for form in shown if cell_len(form) + 2 <= width), shown[-1])
    if lane.failed and len(shown) > 1 and text == shown[-1]:
        # A cause may be any text: show as many of its words as fit.
        text = textwrap.shorten(shown[-2], max(len(text), width - 2), placeholder=theme.glyphs.ellipsis)
    return bar([Part(f" {text} " if text else "", style)], [], width, theme)


def _progress(lane: LaneState, view: LaneView, theme: Theme) -> Iterator[str]:
    """Progress, speed and time left, from long to short."""
    speed, planned = view.steps_per_second, lane.planned
    if planned is None:
        yield from _open_progress(lane, speed)
        return
    share = min(1.0, lane.step / planned)
    if lane.status == "paused":
        rest = ["paused"]
    else:
        left = f"{duration(max(0, planned - lane.step) / speed):>4} left" if speed and lane.step else ""
        rest = [f"{speed:,.0f} steps/s", left] if speed and left else []
    skipped = _skipped(lane)
    percent = f"{100 * share:.0f} %".rjust(5)
    if skipped:
        yield "  ".join([progress_bar(share, 20, theme), f"{lane.step:,} / {planned:,}", *skipped, *rest])
    yield "  ".join([progress_bar(share, 20, theme), f"{lane.step:,} / {planned:,}", *rest])
    yield "  ".join([progress_bar(share, 10, theme), percent, *rest[-1:]])
    yield "  ".join([percent, *rest[-1:]])
    yield (rest or [percent])[-1].strip()


def _open_progress(lane: LaneState, speed: float | None) -> Iterator[str]:
    """Progress of a loop that plans no end, from long to short."""
    step, skipped = f"step {lane.step:,}", _skipped(lane)
    rest = ["paused"] if lane.status == "paused" else [f"{speed:,.0f} steps/s"] if speed else []
    yield "  ".join([step, *skipped, *rest])
    if skipped:
        yield "  ".join([step, *skipped])
    yield "  ".join([step, *rest])
    yield step


def _skipped(lane: LaneState) -> list[str]:
    """How many optimizer steps the loop's GradScaler has skipped, if any."""
    return [f"{lane.skipped:,} skipped"] if lane.skipped else []


def _result(lane: LaneState, experiment: ExperimentInfo) -> Iterator[str]:
    """The result of a lane that has ended, from long to short."""
    if not (end := lane.finished):
        ended = f"{lane.status} at step {lane.step:,}" if lane.loop_ended else f"{lane.step:,} / {lane.iterations:,}"
        yield "  ".join([ended, *_skipped(lane)])
        yield ended
        return
    main = experiment.main
    value = final_values(end).get(main.name, math.nan)
    bounds = accuracy_interval(end, main)
    interval = f" ({bounds[0]:.3f}-{bounds[1]:.3f})" if bounds else ""
    stopped = f"{lane.status} at step {lane.step:,}  " if lane.status == "stopped" else ""
    yield f"{stopped}{figure(main, value)}{interval} on all {end.total:,} {experiment.examples}"
    if interval:
        yield f"{figure(main, value)}{interval}"
    yield figure(main, value)
    yield value_words(main, value)

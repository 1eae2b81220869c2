"""What a chart of one metric shows of a run: the inputs of `charts.chart` and `charts.heat_map`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from textual.strip import Strip

from ...core.stream.events import ClipChanged, LaneForked, MomentsReset
from ...core.stream.lane_differences import uses_adam
from ...core.stream.lane_state import LaneState
from ...core.stream.rules import NormClip, RecordedRule, ValueClip, recorded_rule
from ..charts.chart import render_chart
from ..charts.chart_spec import ChartLane, ChartSpec, Level, Mark, Shade
from ..charts.heat_map import render_heat_map
from ..charts.heat_map_spec import Bound, HeatLane, HeatMapSpec
from ..charts.plotting import Plot
from ..style.theme import Theme
from ..text.adam_memory import transients
from ..text.lane_names import lane_name
from ..text.number_format import symbols_in_ascii
from ..text.wording import change_label
from .metrics import HISTOGRAM, Cadence, Metric
from .run_view import LaneView, RunView
from .step_window import WHOLE_RUN, Window

SMOOTHING = {"light": 0.6, "medium": 0.9, "strong": 0.97, "off": 0.0}
# The weights of the past by cadence: values of single steps vary more than averages over many images, and values at
# measurements are too few to average much.
WEIGHTS: dict[Cadence, dict[str, float]] = {
    "step": {"light": 0.9, "medium": 0.97, "strong": 0.99, "off": 0.0},
    "evaluation": SMOOTHING,
    "measurement": {"light": 0.0, "medium": 0.6, "strong": 0.9, "off": 0.0},
}
_NORMS = ("grad-norm", "clipped-norm")
# The methods by which a watched loop gives what only it knows.
_GIVEN_BY = {"train-loss": "run.step(loss)", "loss": "run.evaluated(loss)"}


@dataclass(frozen=True)
class ChartSettings:
    """What the charts show and how. `log`: whether scales are logarithmic; None: as the metric has it.

    The values at step `pointed`, where the mouse is, replace those at `cursor`. None: the newest values.
    """

    window: Window = WHOLE_RUN
    cursor: int | None = None
    pointed: int | None = None
    log: bool | None = None
    smoothing: str = "light"

    @property
    def shown_step(self) -> int | None:
        """The step whose values the charts show; None: the newest."""
        return self.cursor if self.pointed is None else self.pointed

    def is_log(self, metric: Metric) -> bool:
        """Whether this metric has a logarithmic scale."""
        return can_be_log(metric) and (metric.log if self.log is None else self.log)


def can_be_log(metric: Metric) -> bool:
    """Whether a logarithmic scale makes sense: not for shares and cosines."""
    return metric.limits is None and metric.name != HISTOGRAM


def draw_metric(
    metric: Metric, view: RunView, settings: ChartSettings, theme: Theme, size: tuple[int, int], plot: Plot
) -> list[Strip]:
    """A chart of `size` (width, height) cells. `plot` caches what it drew before."""
    if metric.name == HISTOGRAM:
        # The mouse does nothing in a heat map, whose panels have steps of their own.
        plot.area = None
        return render_heat_map(heat_map_spec(metric, view, settings, theme, size))
    return render_chart(chart_spec(metric, view, settings, theme, size), plot)


def chart_spec(
    metric: Metric, view: RunView, settings: ChartSettings, theme: Theme, size: tuple[int, int]
) -> ChartSpec:
    """The curves of a metric."""
    state = view.state
    first, last = settings.window.steps_to_draw(view.last_step, view.final_step)
    lanes: list[ChartLane] = []
    marks: list[Mark] = []
    shades: list[Shade] = []
    levels: list[Level] = []
    for number, (name, lane) in enumerate(view.lanes.items()):
        failed = state.lanes[name].failed
        curve, start = view.curve(name, metric.name)
        colour, shown = theme.lane_colour(number), lane_name(name)
        lanes.append(ChartLane(shown, colour, curve, failed.step if failed else None, start=start))
        shades += _shades(number, view, name)
        marks += [Mark(change.step, number, change_label(change)) for change in lane.effective_changes]
        levels += _levels(number, lane) if metric.name in _NORMS else []
    if shows_both_norms(metric, view):
        (lane,) = view.lanes.values()
        lanes = [
            replace(lanes[0], name="before"),
            ChartLane("after", theme.lane_colour(1), lane.series["clipped-norm"]),
        ]
    return ChartSpec(
        title=_heading(metric, view, theme),
        width=size[0],
        height=size[1],
        lanes=tuple(lanes),
        first=first,
        last=last,
        limits=metric.limits,
        log=settings.is_log(metric),
        smoothing=WEIGHTS[metric.cadence][settings.smoothing],
        brief=metric.name,
        cursor=settings.shown_step,
        ends_at_step=last <= view.last_step,
        marks=tuple(marks),
        shades=tuple(shades),
        levels=tuple(levels),
        decimals=metric.decimals(state.own_config),
        percent=metric.percent,
        empty=_in_charset(_empty_words(metric, view), theme),
        palette=theme.palette,
        ascii=theme.ascii,
    )


def heat_map_spec(
    metric: Metric, view: RunView, settings: ChartSettings, theme: Theme, size: tuple[int, int]
) -> HeatMapSpec:
    """The histograms of all lanes."""
    state = view.state
    first, last = settings.window.steps_to_draw(view.last_step, view.final_step)
    lanes: list[HeatLane] = []
    for number, (name, lane) in enumerate(view.lanes.items()):
        failed, histograms = state.lanes[name].failed, lane.histograms
        lanes.append(
            HeatLane(
                lane_name(name),
                theme.lane_colour(number),
                histograms.steps,
                histograms.counts,
                histograms.zeros,
                bounds=tuple(_bound(step, recorded_rule(rule)) for step, rule in lane.rules),
                failed=failed.step if failed else None,
            )
        )
    measured = any(len(lane.steps) for lane in lanes)
    words = {} if measured else {"empty": _in_charset(_empty_words(metric, view), theme)}
    return HeatMapSpec(
        _heading(metric, view, theme),
        *size,
        tuple(lanes),
        first,
        last,
        cursor=settings.shown_step,
        ends_at_step=last <= view.last_step,
        **words,
        palette=theme.palette,
        ascii=theme.ascii,
    )


def shows_both_norms(metric: Metric, view: RunView) -> bool:
    """Whether the chart of norms shows those after clipping, too: in a watched run of one loop that is clipped."""
    if metric.name != "grad-norm" or not view.state.watched or len(view.lanes) != 1:
        return False
    (lane,) = view.lanes.values()
    return lane.ever_clipped


def _heading(metric: Metric, view: RunView, theme: Theme) -> str:
    if shows_both_norms(metric, view):
        return _in_charset("gradient norm before and after clipping", theme)
    heading = metric.heading(view.state.own_config)
    if metric.name in ("distance", "disagreement") and any(lane.parent for lane in view.state.lanes.values()):
        heading = f"{heading}, of a fork {'to' if metric.name == 'distance' else 'from'} its parent"
    return _in_charset(heading, theme)


def _in_charset(text: str, theme: Theme) -> str:
    return symbols_in_ascii(text) if theme.ascii else text


def _bound(step: int, rule: RecordedRule) -> Bound:
    return Bound(step, rule.low, rule.high) if isinstance(rule, ValueClip) else Bound(step)


def _shades(number: int, view: RunView, name: str) -> Iterator[Shade]:
    """The steps in which a lane's Adam still adapts to a change of rule; those of a fork begin with the fork."""
    lane = view.state.lanes[name]
    if uses_adam(view.state, lane):
        for first, last in transients(_memory_changes(view, lane)):
            if last >= (start := lane.forked_at or 0):
                yield Shade(max(first, start), last, number)


def _memory_changes(view: RunView, lane: LaneState) -> Iterator[ClipChanged | MomentsReset]:
    """The changes to which Adam's memory adapts: of the rule, also by a fork, and resets; first the parent's."""
    if lane.parent in view.lanes and lane.forked_at is not None:
        before = _memory_changes(view, view.state.lanes[lane.parent])
        yield from (change for change in before if change.step < lane.forked_at)
    for change in view.lanes[lane.name].effective_changes:
        if isinstance(change, ClipChanged | MomentsReset):
            yield change
        elif isinstance(change, LaneForked) and change.parent in view.lanes:
            rules = [rule for step, rule in view.lanes[change.parent].rules if step <= change.step]
            if rules and rules[-1] != change.rule:
                yield ClipChanged(lane=lane.name, step=change.step, rule=change.rule, previous=rules[-1])


def _levels(number: int, lane: LaneView) -> Iterator[Level]:
    """The bounds of norm rules, each over the steps at which it held."""
    for (first, rule), (beyond, _) in pairwise([*lane.rules, (None, "")]):
        parsed = recorded_rule(rule)
        if isinstance(parsed, NormClip) and first is not None:
            last = None if beyond is None else beyond - 1
            yield Level(parsed.bound, number, rule, first=first, last=last)


def _empty_words(metric: Metric, view: RunView) -> str:
    """What a chart without values says: nothing before the first evaluation."""
    if not view.last_step:
        return ""
    if view.state.watched:
        how = _GIVEN_BY.get(metric.name)
        return f"{metric.title}: the loop gives none; {how} does" if how else f"{metric.title}: not measured so far"
    config = view.state.config
    if config is not None and not config.diagnostics:
        return f"{metric.title}: not recorded, because diagnostics are off"
    return f"{metric.title}: not recorded in this run"


def with_log_toggled(settings: ChartSettings, shown: list[Metric]) -> ChartSettings:
    """All scales logarithmic if one of the charts shown could be and is not; otherwise all linear."""
    return replace(settings, log=any(can_be_log(metric) and not settings.is_log(metric) for metric in shown))

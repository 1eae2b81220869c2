"""What the charts of a comparison show: the lanes of all runs, by steps or by the seconds of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.strip import Strip

from ...core.runs.compared import ComparedLane
from ...core.safe_text import printable
from ..charts.chart import render_chart
from ..charts.chart_spec import ChartLane, ChartSpec, Mark
from ..charts.plotting import Plot
from ..charts.ticks import general
from ..style.theme import Theme
from ..text.number_format import symbols_in_ascii
from ..view.chart_specs import WEIGHTS, ChartSettings
from ..view.grid_pages import metrics_by_interest, recorded_series
from ..view.metrics import HISTOGRAM, Metric
from ..view.metrics import metric as find_metric
from .times import PER_SECOND
from .view import CompareView, RunEntry

# From this many lanes on, the charts do not mark what was changed mid-run: the marks would hide the curves.
MOST_MARKED = 4


@dataclass(frozen=True, eq=False)
class ChartedComparison:
    """The shown lanes of all runs."""

    view: CompareView

    @property
    def newest(self) -> int:
        """The newest step or time of any run."""
        if self.view.by_seconds:
            return max((entry.newest_time for entry in self.view.runs), default=0)
        return max((entry.view.last_step for entry in self.view.runs), default=0)

    @property
    def final(self) -> int:
        """The last step that is planned; when it will be reached is not known."""
        if self.view.by_seconds:
            return self.newest
        return max((entry.view.final_step for entry in self.view.runs), default=0)

    @property
    def stride(self) -> int:
        """The number of steps between evaluations, or a hundredth of the time."""
        if self.view.by_seconds:
            return max(1, self.newest // 100)
        configs = [entry.run.state.config for entry in self.view.runs]
        return min((config.eval_every for config in configs if config), default=1)

    @property
    def at_full_speed(self) -> bool:
        """Whether a lane trains in another process, which needs the processor."""
        return any(entry.is_growing for entry in self.view.runs)

    @property
    def gains_series(self) -> bool:
        """Whether runs are still read or under way."""
        return any(entry.is_growing or not entry.begun for entry in self.view.runs)

    def by_interest(self) -> Sequence[Metric]:
        """All metrics that were recorded, those of all runs first. The heat map is of one run only."""
        recorded = {
            place: recorded_series(entry.view) for place, entry in enumerate(self.view.runs) if entry.run.started
        }
        names: dict[str, int] = {}
        for place in recorded:
            for one in metrics_by_interest(self.view.runs[place].view):
                names.setdefault(one.name, 0)
        for series in recorded.values():
            for name in series:
                names[name] = names.get(name, 0) + 1
        found = [name for name, count in names.items() if count and name != HISTOGRAM]
        found.sort(key=lambda name: names[name] < len(recorded))
        return [self.metric(name) for name in found] or [self.metric("loss")]

    def metric(self, name: str) -> Metric:
        """The metric as the first run that has it describes it."""
        for entry in self.view.runs:
            if entry.run.started and (found := find_metric(name, entry.run.state.experiment)).title != name:
                return found
        return find_metric(name)

    def heading(self, metric: Metric) -> str:
        """The title, and which runs have no such values."""
        lacking = [
            f"{place + 1} ({printable(entry.run.state.experiment.name)})"
            for place, entry in enumerate(self.view.runs)
            if entry.run.started and metric.name not in recorded_series(entry.view)
        ]
        without = f"; not in run {', '.join(lacking)}" if lacking else ""
        return f"{self._title(metric)}{without}"

    def _title(self, metric: Metric) -> str:
        """The title and what the values were measured on, if that is the same for all."""
        states = [entry.run.state for entry in self.view.runs if entry.run.started]
        headings = {find_metric(metric.name, state.experiment).heading(state.own_config) for state in states}
        return headings.pop() if len(headings) == 1 else metric.title

    def place(self, at: int) -> str:
        """A step, or a time."""
        return f"{general(at / PER_SECOND, 4)} s" if self.view.by_seconds else f"step {at:,}"

    def span(self, first: int, last: int) -> str:
        """A stretch of steps or of time."""
        if self.view.by_seconds:
            return f"{general(first / PER_SECOND, 4)} to {general(last / PER_SECOND, 4)} seconds"
        return f"Steps {first:,} to {last:,}"

    def draw(
        self, metric: Metric, settings: ChartSettings, theme: Theme, size: tuple[int, int], plot: Plot
    ) -> list[Strip]:
        """A chart of all shown lanes."""
        return render_chart(self.spec(metric, settings, theme, size), plot)

    def spec(self, metric: Metric, settings: ChartSettings, theme: Theme, size: tuple[int, int]) -> ChartSpec:
        """The curves of a metric."""
        view = self.view
        shown = view.shown
        first, last = settings.window.steps_to_draw(self.newest, self.final)
        title, empty = self._title(metric), _empty(metric, shown, view.runs)
        configs = [entry.run.state.own_config for entry in view.runs if entry.run.started]
        decimals = {metric.decimals(config) for config in configs}
        return ChartSpec(
            title=symbols_in_ascii(title) if theme.ascii else title,
            width=size[0],
            height=size[1],
            lanes=tuple(self._lane(metric, lane, theme) for lane in shown),
            first=first,
            last=last,
            limits=metric.limits,
            log=settings.is_log(metric),
            smoothing=WEIGHTS[metric.cadence][settings.smoothing],
            brief=metric.name,
            keeps_title=True,
            cursor=settings.shown_step,
            ends_at_step=last <= self.newest and not view.by_seconds,
            unit="s" if view.by_seconds else "step",
            steps_per_unit=PER_SECOND if view.by_seconds else 1,
            marks=tuple(self._marks(shown)),
            decimals=decimals.pop() if len(decimals) == 1 else None,
            percent=metric.percent,
            empty=symbols_in_ascii(empty) if theme.ascii else empty,
            palette=theme.palette,
            ascii=theme.ascii,
        )

    def _lane(self, metric: Metric, lane: ComparedLane, theme: Theme) -> ChartLane:
        number = self.view.number(lane)
        failed = self._at(lane, lane.state.failed.step) if lane.state.failed else None
        curve, start = self.view.curve(lane, metric.name)
        return ChartLane(lane.mark, theme.lane_colour(number), curve, failed, start=start, number=number)

    def _marks(self, shown: Sequence[ComparedLane]) -> list[Mark]:
        """What was changed mid-run, if there are few lanes."""
        if len(shown) > MOST_MARKED:
            return []
        views = ((place, lane, self.view.lane_view(lane)) for place, lane in enumerate(shown))
        return [
            Mark(self._at(lane, change.step), place)
            for place, lane, view in views
            if view
            for change in view.effective_changes
        ]

    def _at(self, lane: ComparedLane, step: int) -> int:
        """Where a step of a lane is on the axis."""
        return self.view.place_of(lane, step) if self.view.by_seconds else step


def _empty(metric: Metric, shown: Sequence[ComparedLane], runs: Sequence[RunEntry]) -> str:
    """What a chart without any value says."""
    if not any(entry.run.started for entry in runs):
        return ""
    return f"{metric.title}: no lane that is shown has such values" if shown else "no lane is shown"

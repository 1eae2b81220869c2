"""The state of a comparison: the runs folded from their events, and which of their lanes are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...core.runs.compared import ComparedLane, ComparedRun, compared_lanes, compared_metrics
from ...core.runs.followed_run import LaneTimes
from ...core.safe_text import printable
from ...core.stream.events import Event, LaneEvent, LaneForked, ResourcesMeasured, RunStarted
from ...core.stream.experiment_info import MetricInfo
from ..charts.curve import Curve
from ..view.run_view import LaneView, RunView
from .placed_curve import PlacedCurve
from .times import Times
from .words import faults, setting_text

LaneKey = tuple[int, str]


@dataclass
class RunEntry:
    """One of the runs: what is known of it, when its steps were done, and how much of its recording has been read."""

    run: ComparedRun
    view: RunView = field(default_factory=RunView)
    times: dict[str, Times] = field(default_factory=dict)
    read: int = 0
    size: int = 0
    begun: bool = False
    followed: bool = False

    @property
    def newest_time(self) -> int:
        """The newest time of any lane, in microseconds."""
        return max((times.newest for times in self.times.values()), default=0)

    @property
    def is_growing(self) -> bool:
        """Whether another process still writes it."""
        return self.followed and self.run.state.finished is None


class CompareView:
    """Several runs. Lanes keep their number, and with it colour and symbol, from when they are first seen."""

    def __init__(self, names: Sequence[str]) -> None:
        self.runs = [RunEntry(ComparedRun(name)) for name in names]
        # The lanes that were hidden one by one, or the only ones that are shown.
        self._hidden: set[LaneKey] = set()
        self._only: set[LaneKey] | None = None
        self.filter = ""
        self.by_seconds = False
        self.lanes: list[ComparedLane] = []
        self._numbers: dict[LaneKey, int] = {}
        self._placed: dict[tuple[LaneKey, str], tuple[Curve, PlacedCurve]] = {}

    # Reading

    def begin(
        self, place: int, events: Iterable[Event], times: dict[str, LaneTimes], *, followed: bool, fault: str = ""
    ) -> None:
        """Take the beginning of a run, as it was recorded so far. `fault`: what of it is missing."""
        entry = self.runs[place]
        entry.begun, entry.followed, entry.run.fault = True, followed, fault
        self._fold(entry, events)
        entry.times = {lane: Times(known) for lane, known in times.items()}
        self._update()

    def append(self, place: int, events: Iterable[Event], *, followed: bool, fault: str = "") -> None:
        """Take what another process has appended to a run. `fault`: why nothing more can be read."""
        entry = self.runs[place]
        entry.followed, entry.run.fault = followed, fault or entry.run.fault
        self._fold(entry, events, timed=True)
        self._update()

    def leave_out(self, place: int, fault: str) -> None:
        """Go on without a run, which cannot be read."""
        self.runs[place].begun, self.runs[place].run.fault = True, fault

    @property
    def gains_runs(self) -> bool:
        """Whether runs are still read."""
        return not all(entry.begun for entry in self.runs)

    def _fold(self, entry: RunEntry, events: Iterable[Event], *, timed: bool = False) -> None:
        for event in events:
            if isinstance(event, RunStarted):
                entry.times.clear()
            entry.run.fold(event)
            entry.view.fold(event)
            if not timed:
                continue
            if isinstance(event, LaneForked):
                entry.times[event.lane] = entry.times.setdefault(event.parent, Times()).before(event.step)
            if isinstance(event, LaneEvent):
                entry.times.setdefault(event.lane, Times()).fold(event)
            elif isinstance(event, ResourcesMeasured):
                # A watched loop may have no evaluations, which have times otherwise.
                for name, lane in entry.run.state.lanes.items():
                    entry.times.setdefault(name, Times()).add(lane.step, event.seconds)
        for lane in entry.view.lanes.values():
            # There are no logs here.
            lane.unlogged.clear()

    def _update(self) -> None:
        self.lanes = compared_lanes([entry.run for entry in self.runs])
        for lane in self.lanes:
            self._numbers.setdefault(_key(lane), len(self._numbers))

    @property
    def faults(self) -> list[str]:
        """What is to be said of runs that cannot be read, or not in full."""
        return faults([entry.run for entry in self.runs])

    # Lanes

    def number(self, lane: ComparedLane) -> int:
        """The number that decides a lane's colour and symbol."""
        return self._numbers[_key(lane)]

    def is_shown(self, lane: ComparedLane) -> bool:
        """Whether the charts draw a lane: it is not hidden, and matches the filter."""
        is_chosen = _key(lane) not in self._hidden if self._only is None else _key(lane) in self._only
        return is_chosen and self.matches(lane)

    def matches(self, lane: ComparedLane) -> bool:
        """Whether every word of the filter occurs in a lane's mark, name, run, experiment, state or settings shown."""
        entry = self.runs[lane.run]
        settings = (f"{name} {setting_text(lane.settings[name])}" for name in lane.differing if name in lane.settings)
        texts = (lane.mark, lane.run_name, lane.state.name, entry.run.state.experiment.name, lane.state.status)
        searched = printable(" ".join((*texts, *settings))).lower()
        return all(word in searched for word in self.filter.lower().split())

    @property
    def listed(self) -> list[ComparedLane]:
        """The lanes that match the filter, in the order of the runs."""
        return [lane for lane in self.lanes if self.matches(lane)]

    @property
    def shown(self) -> list[ComparedLane]:
        """The lanes that the charts draw."""
        return [lane for lane in self.lanes if self.is_shown(lane)]

    def toggle(self, lane: ComparedLane) -> None:
        """Hide a lane, or show it again."""
        if self._only is None:
            self._hidden ^= {_key(lane)}
        else:
            self._only ^= {_key(lane)}

    def show_only(self, lane: ComparedLane) -> bool:
        """Hide all other lanes, also those that begin later; or show all if only this one was shown.

        Return whether only this one is shown now.
        """
        self._hidden, self._only = set(), None if self._only == {_key(lane)} else {_key(lane)}
        return self._only is not None

    def lane_view(self, lane: ComparedLane) -> LaneView | None:
        """The curves of a lane; None before it has any."""
        return self.runs[lane.run].view.lanes.get(lane.state.name)

    # Values

    @property
    def metrics(self) -> list[MetricInfo]:
        """The metrics of the table: those of the experiments, and the loss."""
        return compared_metrics([entry.run for entry in self.runs if entry.run.started])

    def curve(self, lane: ComparedLane, series: str) -> tuple[Curve, int | None]:
        """A lane's series by the unit of the axis, and from where on it is drawn: None for all of it."""
        view, name = self.runs[lane.run].view, lane.state.name
        if name not in view.lanes:
            return Curve(), None
        source, start = view.curve(name, series)
        if not self.by_seconds:
            return source, start
        known = self._placed.get((_key(lane), series))
        if known is None or known[0] is not source:
            times = self.runs[lane.run].times.setdefault(name, Times())
            known = self._placed[_key(lane), series] = source, PlacedCurve(source, times)
        return known[1].update(), None if start is None else self.place_of(lane, start + 1)

    def place_of(self, lane: ComparedLane, step: int) -> int:
        """When a lane had done so many steps, in microseconds."""
        times = self.runs[lane.run].times.get(lane.state.name)
        return times.place(step) if times else 0


def _key(lane: ComparedLane) -> LaneKey:
    return lane.run, lane.state.name

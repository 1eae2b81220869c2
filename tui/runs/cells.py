"""The cells of recorded runs and sweeps in a table."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.runs.folder import LaneOutcome, Manifest
from ...core.sweeps.listing import Recording
from ...core.sweeps.overview import SweepOverview
from ..text.number_format import date_and_time, number_of

# What follows the state of a run: was it changed mid-run? None: that is not known.
MARKS = {True: "*", False: "", None: "?"}
LEGEND = {
    True: "* changed mid-run: not a clean comparison of its lanes",
    None: "? its events cannot be read, so it may have been changed mid-run",
}


def started(recording: Recording) -> str:
    """When a run or sweep was started."""
    return date_and_time(recording.overview.started)


def shared_cells(recording: Recording) -> tuple[str, ...]:
    """Data, head, optimizer and state."""
    found = recording.overview
    return found.dataset.name, _head(found) or "-", found.optimizer or "-", found.state + MARKS[found.changed]


def lane_cells(recording: Recording) -> list[tuple[str, ...]]:
    """A row per lane: its name, rule, steps done, loss and accuracy. A sweep has two, see `_sweep_cells`."""
    found = recording.overview
    if isinstance(found, SweepOverview):
        return _sweep_cells(found)
    return [_lane_cells(lane) for lane in found.lanes] or [("",) * 5]


def legend(recordings: Iterable[Recording]) -> list[str]:
    """What the marks of these recordings mean, and the figures of sweeps if there are any."""
    listed = list(recordings)
    texts = [text for mark, text in LEGEND.items() if any(each.overview.changed is mark for each in listed)]
    if any(each.kind == "sweep" for each in listed):
        texts.append("For a sweep, loss and accuracy are mean differences of the two settings over the seeds of both.")
    return texts


def _head(found: Manifest | SweepOverview) -> str:
    return found.head if isinstance(found, SweepOverview) else str((found.settings or {}).get("head", ""))


def _lane_cells(lane: LaneOutcome) -> tuple[str, ...]:
    if lane.failure:
        return lane.name, lane.rule, str(lane.step), "-", lane.failure
    loss, accuracy = (f"{lane.loss:.4f}", f"{lane.accuracy:.3f}") if lane.loss is not None else ("-", "-")
    return lane.name, lane.rule, str(lane.step), loss, accuracy


def _sweep_cells(sweep: SweepOverview) -> list[tuple[str, ...]]:
    """Two rows: the numbers of settings, seeds and finished trainings, and the first comparison with its means."""
    compared = sweep.comparison
    pair, _, common = compared.name.partition(" (") if compared else ("", "", "")
    figures = (f"{compared.nats:+.4f}", f"{compared.points / 100:+.3f}") if compared else ("-", "-")
    diverged = f", {sweep.diverged:,} diverged" if sweep.diverged else ""
    return [
        (number_of(sweep.settings, "setting"), pair, f"{sweep.done:,} of {sweep.total:,}{diverged}", *figures),
        (number_of(sweep.seeds, "seed"), f"({common}" if common else "", "", "", ""),
    ]

"""Events that only a replay sends: about the replay, and about many steps at once when it seeks."""

from __future__ import annotations

from .event import Count, Event, LaneEvent, Step
from .limits import MOST
from .measures import BINS


class ReplayStarted(Event, frozen=True, kw_only=True):
    """The events that follow are a recording. `run` is its name, `last_step` the last step of any event.

    `speed`: how many times as fast as it was recorded, None without a limit. The event is sent again when that changes.
    """

    run: str
    last_step: Step
    speed: float | None = 1.0


class SeekFinished(Event, frozen=True, kw_only=True, tag="Sought"):
    """A replay has reached the step of a `Seek`; all events up to it have been sent."""

    step: Step


class EvaluatedEarlier(LaneEvent, frozen=True, kw_only=True):
    """Many evaluations in one event, which a replay sends when it seeks: at `step` and every `stride` steps after it.

    Losses, and accuracies if there are any, are little-endian float32 numbers; so are the other metrics by name.
    """

    stride: Count
    losses: bytes
    accuracies: bytes = b""
    metrics: dict[str, bytes] = {}

    def __post_init__(self) -> None:
        for values in filter(None, (self.accuracies, *self.metrics.values())):
            if len(values) != len(self.losses):
                raise ValueError("losses and metrics are not equally many float32 numbers")
        _require_rows(self.step, self.stride, self.losses)


class SeriesEarlier(LaneEvent, frozen=True, kw_only=True):
    """Many values of a series (see `series`) in one event, which a replay sends when it seeks.

    `values` are little-endian float32 numbers at `step` and every `stride` steps after it.
    """

    series: str
    stride: Count
    values: bytes

    def __post_init__(self) -> None:
        _require_rows(self.step, self.stride, self.values)


class HistogramsEarlier(LaneEvent, frozen=True, kw_only=True):
    """Many histograms of |g| over all layers in one event, which a replay sends when it seeks.

    `counts` are little-endian uint32 numbers, a row at `step` and at every `stride` steps after it: first how many
    elements are 0, then how many are in each bin.
    """

    stride: Count
    counts: bytes

    def __post_init__(self) -> None:
        _require_rows(self.step, self.stride, self.counts, 1 + BINS)


def _require_rows(step: int, stride: int, values: bytes, columns: int = 1) -> None:
    """Raise ValueError unless `values` are rows of 4-byte numbers at steps that a run can have."""
    rows, rest = divmod(len(values), 4 * columns)
    if not rows or rest:
        raise ValueError(f"the values are not rows of {columns} numbers")
    if step + stride * (rows - 1) > 2 * MOST:
        raise ValueError("the last step is larger than in any run")

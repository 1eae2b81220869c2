"""What a watched run has recorded, for tests."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np

from clipwatch.core.runs.reader import read_recording
from clipwatch.core.stream.events import Evaluated, Event, StepsTrained
from clipwatch.core.stream.state import RunState, apply


class WatchedRecording:
    """A recording of a loop with one lane, or of several."""

    def __init__(self, folder: Path) -> None:
        recorded = read_recording(folder / "events.jsonl")
        assert not recorded.damage
        self.events: list[Event] = recorded.events

    @classmethod
    def only_one_in(cls, runs: Path) -> WatchedRecording:
        """The only run in this folder."""
        (folder,) = (path.parent for path in runs.glob("*/events.jsonl"))
        return cls(folder)

    @cached_property
    def state(self) -> RunState:
        """All events, folded."""
        state = RunState()
        for event in self.events:
            state = apply(state, event)
        return state

    def of_steps(self, name: str) -> list[float]:
        """The losses, norms or clipped norms of all steps, in order."""
        return [value for part in self._parts for value in np.frombuffer(getattr(part, name), "<f4").tolist()]

    def metric_of_steps(self, name: str) -> list[float]:
        """A metric of all steps, NaN where there is none."""
        return [value for part in self._parts for value in np.frombuffer(part.metrics[name], "<f4").tolist()]

    @property
    def _parts(self) -> list[StepsTrained]:
        return [event for event in self.events if isinstance(event, StepsTrained)]

    @property
    def evaluations(self) -> list[Evaluated]:
        """All evaluations."""
        return [event for event in self.events if isinstance(event, Evaluated)]

"""A recorded run, opened in a notebook or a program with `clipwatch.open_run`."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, ClipwatchError
from ..runs.folder import RunFolder, runs_folder
from ..runs.lane_steps import lane_steps
from ..runs.reader import Recorded, read_recording
from ..stream.config import RunConfig
from ..stream.events import Diagnosed, LanesCompared, Notice
from ..stream.fork_words import fork_words
from ..stream.lane_state import LaneState
from ..stream.series import compared_values, diagnosed_values, final_values
from ..stream.state import RunState, apply
from ..sweeps.recorded_folders import find_run
from .columns import Columns, joined


def open_run(run: str | os.PathLike[str], *, runs_dir: str | os.PathLike[str] | None = None) -> OpenedRun:
    """Open a recorded run: its folder, its name in the folder of all runs, or `last` for the newest one.

    `runs_dir` is that folder, as with `--runs-dir`. A run under way is opened as far as it is recorded; open it again
    for what comes later. Raises BadInput if there is no such run.
    """
    if not isinstance(run, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise BadInput(f"open_run: {run!r} is neither the name nor the folder of a run")
    home = runs_folder(os.fspath(runs_dir) if runs_dir is not None else None)
    folder = find_run(os.fspath(run), home, lambda text: warnings.warn(text, stacklevel=4))
    is_running = folder.is_being_written()
    return OpenedRun(folder, read_recording(folder.events, growing=is_running), is_running)


@dataclass(frozen=True, eq=False, repr=False)
class OpenedLane:
    """One lane of a run. `parent` is the lane that it was forked from after `forked_at` steps, None without a fork.

    `rule` and `learning_rate` are the newest ones; `final` are its loss and metrics on all validation data, None before
    its end. `status`: completed, stopped, failed, running or interrupted.
    """

    name: str
    rule: str
    learning_rate: float | None
    parent: str | None
    forked_at: int | None
    step: int
    status: str
    final: dict[str, float] | None
    _recorded: Recorded

    @cached_property
    def evaluations(self) -> Columns:
        """A row per evaluation on a validation batch: step, seconds, train_loss, loss and metrics."""
        table = self._recorded.table.evaluations
        rows = table.of(self.name)
        # Of a step that a resumed run recorded twice, the last values count.
        steps, newest = np.unique(table.steps[rows][::-1], return_index=True)
        rows = rows[::-1][newest]
        counted = [] if np.isnan(table.accuracies[rows]).all() else ["accuracy"]
        found = {"step": steps, "seconds": table.seconds[rows], "train_loss": table.train_losses[rows]}
        metrics = {name: table.values(name)[rows] for name in ("loss", *counted, *table.metric_names)}
        return _named({**found, **metrics})

    @cached_property
    def steps(self) -> Columns:
        """A row per training step: step, train_loss, grad_norm, clipped_norm, clipped, and what a watched loop gave."""
        found = lane_steps(self._recorded.table.step_logs, self.name)
        return _named({"step": found.steps, **found.series, "clipped": found.clipped})

    @cached_property
    def diagnostics(self) -> Columns:
        """A row per measurement of what clipping does, under the names of the charts, with `_` for `-`."""
        rows: dict[int, dict[str, float]] = {}
        for event in self._recorded.table.others:
            if isinstance(event, Diagnosed) and event.lane == self.name:
                rows.setdefault(event.step, {}).update(diagnosed_values(event))
            elif isinstance(event, LanesCompared) and event.lanes[1] == self.name:
                rows.setdefault(event.step, {}).update(compared_values(event))
        names = dict.fromkeys(name for values in rows.values() for name in values)
        steps = sorted(rows)
        columns = {name: np.array([rows[step].get(name, math.nan) for step in steps], np.float64) for name in names}
        return _named({"step": np.array(steps, np.int64), **columns})

    def __repr__(self) -> str:
        fork = f", {fork_words(self.parent, self.forked_at)}" if self.parent else ""
        return f"OpenedLane({self.name}: {self.rule}{fork}, {self.step:,} steps, {self.status})"


@dataclass(frozen=True, eq=False, repr=False)
class OpenedRun:
    """A recorded run. In a notebook, the last expression of a cell shows its results and charts."""

    folder: RunFolder
    recorded: Recorded
    is_running: bool

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.path.resolve().name

    @property
    def settings(self) -> RunConfig:
        """The settings that it started with. Those of a watched loop are its own and not known."""
        return self.recorded.started.config

    @cached_property
    def lanes(self) -> Mapping[str, OpenedLane]:
        """Its lanes by name, forks after those that the run started with."""
        state = RunState()
        for event in self.recorded.table.others:
            state = apply(state, event)
        return {name: self._lane(lane) for name, lane in state.lanes.items()}

    def _lane(self, lane: LaneState) -> OpenedLane:
        ended = lane.status if lane.ended else "running" if self.is_running else "interrupted"
        logs = self.recorded.table.step_logs
        step = max(lane.step, self.recorded.last_evaluated(lane.name) + 1, _newest(logs.steps[logs.of(lane.name)]))
        final = final_values(lane.finished) if lane.finished else None
        return OpenedLane(
            lane.name,
            lane.rule,
            lane.learning_rate,
            lane.parent,
            lane.forked_at,
            step,
            ended,
            final,
            self.recorded,
        )

    @property
    def evaluations(self) -> Columns:
        """The evaluations of all lanes, with the lane as the first column."""
        return joined({name: lane.evaluations for name, lane in self.lanes.items()})

    @property
    def steps(self) -> Columns:
        """The training steps of all lanes, with the lane as the first column."""
        return joined({name: lane.steps for name, lane in self.lanes.items()})

    @property
    def diagnostics(self) -> Columns:
        """The measurements of all lanes, with the lane as the first column."""
        return joined({name: lane.diagnostics for name, lane in self.lanes.items()})

    @property
    def notices(self) -> tuple[str, ...]:
        """What the run had to say beside its numbers, and what is wrong with its recording."""
        said = (event.text for event in self.recorded.table.others if isinstance(event, Notice))
        return tuple(dict.fromkeys((*said, *self.recorded.damage)))

    def __repr__(self) -> str:
        return f"OpenedRun({self.name}: {', '.join(f'{lane.name}={lane.rule}' for lane in self.lanes.values())})"

    def _repr_html_(self) -> str:
        """Results and charts for a notebook, without scripts or other files."""
        from ..reports.blocks import Heading, KeyPoints, Paragraph, Picture, Table, Warnings
        from ..reports.contents import contents
        from ..reports.phrases import Words
        from ..reports.run_summary import summarize_run
        from ..reports.summary import summary
        from ..reports.webpage import fragment

        try:
            run, words = summarize_run(self.name, self.recorded), Words("en")
            blocks = contents([run], words)
        except ClipwatchError as error:
            return fragment([Paragraph(repr(self)), Paragraph(str(error))])
        tables = [block for block in blocks if isinstance(block, Table)][:1]
        pictures = [block for block in blocks if isinstance(block, Picture)]
        title = [block for block in blocks if isinstance(block, Heading) and block.level == 1]
        said = [block for block in blocks if isinstance(block, KeyPoints | Warnings)]
        if not run.watched:
            # The report's own summary refers to its conclusion.
            phrases = summary(run, words, seed=words.plain("summary_seed_only"))
            points = KeyPoints(phrases, tuple(lane.label for lane in run.lanes))
            said = [points if isinstance(block, KeyPoints) else block for block in said]
        return fragment([*title, *said, *tables, *pictures])


def _named(columns: Mapping[str, NDArray[Any]]) -> Columns:
    """The columns under names that are also those of attributes in a frame."""
    return Columns({name.replace("-", "_"): values for name, values in columns.items()})


def _newest(steps: Iterable[int]) -> int:
    return int(max(steps, default=-1)) + 1

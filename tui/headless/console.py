"""Prints a run: training lines and the summary on standard output, messages on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.cells import cell_len
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from ...core.safe_text import in_encoding
from ...core.stream.audit_words import is_mistake
from ...core.stream.evaluation_line import evaluation_line
from ...core.stream.events import (
    CommandScheduled,
    Diagnosed,
    DownloadProgressed,
    Evaluated,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LoopAudited,
    LoopEnded,
    MetricAdded,
    Notice,
    RunStarted,
)
from ...core.stream.state import RunState, apply
from ..text.rich_output import Output
from ..text.summary import print_summary
from ..text.wording import diagnosis_line, lane_message, scheduled_line
from .step_order import OrderedEvaluations

LANE_COLOURS = ("cyan", "yellow", "magenta", "green", "blue", "red")


class ConsoleSink:
    """Prints events as they arrive; `close` prints the summary.

    `quiet` prints only the summary, warnings and failures. `diagnostics` adds a line for every measurement of the
    effect of clipping.
    """

    def __init__(self, *, quiet: bool, diagnostics: bool = False) -> None:
        self._quiet, self._diagnostics = quiet, diagnostics
        # Training lines are written without Rich; it only colours the names of lanes and prints the summary.
        self._out = Output(soft_wrap=True)
        self._messages = Output(stderr=True, soft_wrap=True)
        self._state = RunState()
        self._ordered = OrderedEvaluations(())
        self._prefixes: dict[str, str] = {}
        self._tag_width = 0
        self._download = _Download(self._messages)

    def receive(self, event: Event) -> None:
        """Fold and print one event."""
        self._state = apply(self._state, event)
        match event:
            case RunStarted():
                self._start(event)
            case LaneEvent(lane=lane) if lane not in self._state.lanes:
                pass
            case LaneForked():
                self._add_fork(event)
            case Evaluated():
                self._print_evaluations(self._in_order(event))
            case Diagnosed() if self._diagnostics:
                self._print_evaluations(self._in_order(event))
            case LoopEnded(lane=lane):
                self._print_evaluations(self._ordered.end(lane))
                self._print_lane_message(event)
            case LaneFinished(lane=lane):
                self._print_evaluations(self._ordered.end(lane))
            case LaneFailed(lane=lane):
                self._print_evaluations(self._ordered.end(lane))
                self._print_message(f"lane {lane}: {lane_message(event)}")
            case LaneEvent():
                self._print_lane_message(event)
            case MetricAdded(metric=metric) if not self._quiet:
                self._print_message(f"the loop gives a metric: {metric.words}")
            case CommandScheduled() if not self._quiet:
                self._print_message(scheduled_line(event))
            case Notice(text=text, level=level):
                if not self._quiet or level == "warning":
                    self._print_message(text)
            case DownloadProgressed() if not self._quiet:
                self._download.show(event)
            case _:
                pass

    def _print_lane_message(self, event: LaneEvent) -> None:
        is_warning = isinstance(event, LoopAudited) and is_mistake(event)
        if (is_warning or not self._quiet) and (text := lane_message(event)):
            self._print_message(f"lane {event.lane}: {text}")

    def close(self) -> None:
        """Print the summary of the run."""
        self._download.close()
        if self._state.lanes:
            self._out.print()
            print_summary(self._out, self._state)
            self._out.file.flush()

    def _start(self, event: RunStarted) -> None:
        self._download.close()
        names = tuple(lane.name for lane in event.config.lanes)
        config = event.config
        measured = config.eval_every * config.diagnose_every if config.diagnostics and self._diagnostics else None
        self._ordered = OrderedEvaluations(names, measured_every=measured)
        tags = [in_encoding(f"[{name}]", self._out.encoding) for name in names]
        self._prefixes, self._tag_width = {}, max(map(cell_len, tags))
        for name, tag in zip(names, tags, strict=True):
            self._prefixes[name] = self._prefix(tag)
        if not self._quiet:
            print("Start Training...", flush=True)

    def _prefix(self, tag: str) -> str:
        """The tag of the next lane in its colour, as wide as the others."""
        coloured = self._coloured(tag, LANE_COLOURS[len(self._prefixes) % len(LANE_COLOURS)])
        return coloured + " " * (self._tag_width - cell_len(tag))

    def _add_fork(self, event: LaneForked) -> None:
        """A lane that begins in the middle of the run."""
        if event.lane not in self._prefixes:
            self._ordered.begin(event.lane, event.step)
            self._prefixes[event.lane] = self._prefix(in_encoding(f"[{event.lane}]", self._out.encoding))
        self._print_lane_message(event)

    def _in_order(self, event: Evaluated | Diagnosed) -> Iterable[Evaluated | Diagnosed]:
        """The events that can be shown now. Loops that are only watched do not wait for one another."""
        return (event,) if self._state.watched else self._ordered.add(event)

    def _coloured(self, text: str, colour: str) -> str:
        with self._out.capture() as capture:
            self._out.print(text, style=colour, end="")
        return capture.get()

    def _print_evaluations(self, events: Iterable[Evaluated | Diagnosed]) -> None:
        for event in events:
            if not self._quiet:
                line = self._line(event)
                sys.stdout.write(f"{self._prefixes.get(event.lane, event.lane)} {line}\n")
        sys.stdout.flush()

    def _line(self, event: Evaluated | Diagnosed) -> str:
        experiment = self._state.experiment
        return evaluation_line(event, experiment) if isinstance(event, Evaluated) else diagnosis_line(event, experiment)

    def _print_message(self, text: str) -> None:
        self._messages.print(f"clipwatch: {text}")


class _Download:
    """Shows downloads: on a terminal as a progress bar for each file, elsewhere as a line for each."""

    def __init__(self, console: Output) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def show(self, event: DownloadProgressed) -> None:
        if event.file not in self._tasks:
            self._add(event)
        if self._progress:
            self._progress.update(self._tasks[event.file], completed=event.received, total=event.total)

    def close(self) -> None:
        if self._progress:
            self._progress.stop()
            self._progress = None

    def _add(self, event: DownloadProgressed) -> None:
        if not self._console.is_terminal:
            self._tasks[event.file] = TaskID(0)
            self._console.print(f"clipwatch: downloading {event.file}")
            return
        if self._progress is None:
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
            )
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
        self._tasks[event.file] = self._progress.add_task(
            in_encoding(f"downloading {event.file}", self._console.encoding), total=event.total
        )

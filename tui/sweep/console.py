"""Prints a sweep: progress on standard error, tables and conclusions on standard output."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from ...core.reports.map_words import map_sentences
from ...core.reports.phrases import Words
from ...core.reports.sweep_words import answers
from ...core.safe_text import in_encoding
from ...core.stream.events import DownloadProgressed, Event, Notice, RecordingStarted, StageStarted
from ...core.stream.sweep_events import ReplicaFinished, Results, SweepFinished, SweepStarted
from ...core.sweeps.comparisons import comparisons, summaries
from ...core.sweeps.grid_map import grid_map
from ..text.messages import tell
from ..text.number_format import duration, number_of
from ..text.rich_output import Output
from ..text.sweep_estimate import estimate
from .progress import Progress
from .tables import comparison_table, setting_table

# The least width at which the figures of the tables fit.
_MIN_WIDTH = 60


class SweepConsole:
    """Prints progress as events arrive; `close` prints the results."""

    def __init__(self, *, quiet: bool, cores: int) -> None:
        self._quiet, self._cores = quiet, cores
        self._results: Results | None = None
        self._progress = Progress(0)
        self._finished: SweepFinished | None = None
        self._folder = ""
        self._on_terminal = sys.stderr.isatty()

    def receive(self, event: Event) -> None:
        """Fold and print one event."""
        match event:
            case SweepStarted(config=config):
                self._results = Results(started=event, replicas={})
                self._progress = Progress(config.replicas)
                self._show_progress(
                    f"{number_of(len(config.settings), 'setting')} x {number_of(len(config.every_seed), 'seed')},"
                    f" {estimate(config, self._cores)}"
                )
            case StageStarted() if self._results:
                self._progress.begin()
            case ReplicaFinished():
                self._add_replica(event)
            case RecordingStarted(folder=folder):
                self._folder = folder
            case Notice(text=text):
                self._message(text)
            case DownloadProgressed(file=file, received=0):
                self._message(f"downloading {file}")
            case SweepFinished():
                self._finished = event
            case _:
                pass

    def close(self) -> None:
        """Print the results of the finished trainings."""
        if self._on_terminal and self._results:
            sys.stderr.write("\n")
        if self._results is None or not self._results.replicas:
            # A sweep that failed with an error has printed it.
            if self._finished:
                self._message("no training finished, so there are no results")
            return
        print_tables(self._results, self._progress, self._finished, self._folder)

    def _add_replica(self, event: ReplicaFinished) -> None:
        assert self._results
        self._results.replicas[event.key] = event
        self._progress.count()
        per_seed = len(self._results.started.config.settings)
        if self._on_terminal or self._progress.done % per_seed == 0:
            self._show_progress(str(self._progress))

    def _show_progress(self, text: str) -> None:
        """Print a line of progress, on a terminal in place of the last one."""
        if not self._quiet:
            line = f"clipwatch: {in_encoding(text, sys.stderr.encoding)}"
            sys.stderr.write(f"\r\x1b[K{line}" if self._on_terminal else f"{line}\n")
            sys.stderr.flush()

    def _message(self, text: str) -> None:
        if self._on_terminal:
            sys.stderr.write("\n")
        tell(text)


def print_tables(results: Results, progress: Progress, finished: SweepFinished | None, folder: str) -> None:
    """Print the tables of settings and comparisons, and a sentence for each comparison, on standard output."""
    on_terminal = sys.stdout.isatty()
    out = Output(width=None if on_terminal else 150)
    out.width = max(out.width, _MIN_WIDTH)
    all_comparisons = comparisons(results)
    if setting_summaries := summaries(results):
        out.print(setting_table(results, setting_summaries, out.width))
    if all_comparisons:
        out.print(comparison_table(results, all_comparisons, out.width))
    words = Words("en")
    warnings = [words("sweep_unfinished")] if results.unfinished else []
    found = grid_map(results, setting_summaries)
    mapped = map_sentences(found, words) if found else ()
    for text in (*answers(results, all_comparisons, words), *mapped, *warnings):
        out.print(str(text), soft_wrap=not on_terminal)
    for setting in results.started.config.settings:
        if not results.of(setting.number) and any(key[0] == setting.number for key in results.replicas):
            out.print(f"{setting.name}: every training diverged", soft_wrap=True)
    if finished:
        new = "" if progress.trained == progress.done else f", {progress.trained:,} of them"
        done = f"{progress.done_of_total}{new} in {duration(finished.seconds)}"
        out.print()
        out.print(done + ("" if finished.reason == "completed" else f", {finished.reason}"))
    name = shlex.quote(Path(folder).name)
    out.print(f"recorded in {folder}", soft_wrap=True)
    out.print(f"to write a report: clipwatch report {name}", soft_wrap=True)
    if progress.done < progress.total:
        out.print(f"to continue: clipwatch resume {name}", soft_wrap=True)
    out.print(f"to train a replica as a run: clipwatch replica {name}", soft_wrap=True)

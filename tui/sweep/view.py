"""The state of the sweep screen, folded from events, and its title and status lines."""

from __future__ import annotations

from dataclasses import dataclass, field

from textual.strip import Strip

from ...core.stream.events import Event, Notice, RecordingStarted, StageStarted
from ...core.stream.sweep_events import ReplicaFinished, Results, SweepFinished, SweepStarted
from ..style.theme import Theme
from ..text.number_format import duration, number_of
from ..text.setting_words import data_name
from ..view.bar import Part, bar, progress_bar
from .progress import Progress


@dataclass
class SweepView:
    """The state of a sweep, its progress and the message of the status line."""

    results: Results | None = None
    progress: Progress = field(default_factory=lambda: Progress(0))
    finished: SweepFinished | None = None
    folder: str = ""
    message: str = "starting"
    alert: bool = False

    @property
    def failed(self) -> bool:
        """Whether the sweep failed: every training diverged, so there is nothing to compare."""
        return self.finished is not None and self.finished.reason == "failed"

    def fold(self, event: Event) -> None:
        """Update the state with an event."""
        match event:
            case StageStarted() if self.results:
                self.progress.begin()
            case StageStarted(stage=stage):
                self.message = stage
            case SweepStarted(config=config):
                self.results, self.progress = Results(started=event, replicas={}), Progress(config.replicas)
                self.message = "first results in a few seconds; q stops and keeps finished trainings"
            case RecordingStarted(folder=folder):
                self.folder = folder
            case ReplicaFinished() if self.results:
                if not self.results.replicas and not self.alert:
                    self.message = "q stops and keeps finished trainings"
                self.results.replicas.setdefault(event.key, event)
                self.progress.count()
            case Notice(text=text, level=level):
                self.message, self.alert = text, level == "warning"
            case SweepFinished():
                self.finished = event
                self.message = f"{event.reason} in {duration(event.seconds)}; q quits and prints the results"
            case _:
                pass


def title(view: SweepView, width: int, theme: Theme) -> Strip:
    """The title line: the dataset, the number of settings and the progress."""
    if view.results is None:
        return bar([Part("clipwatch sweep", theme.strong), Part(f"{view.message} ...", theme.text)], [], width, theme)
    started, progress = view.results.started, view.progress
    seconds = progress.seconds_left
    state = (
        view.finished.reason if view.finished else f"{duration(seconds)} left" if seconds is not None else "training"
    )
    bar_width = max(6, min(40, width // 4))
    share = progress.done / max(1, progress.total)
    return bar(
        [
            Part("clipwatch sweep", theme.strong, 4),
            Part(data_name(started.experiment.name, started.dataset.name), theme.strong, 2),
            Part(number_of(len(started.config.settings), "setting"), theme.text, 3),
            Part(f"{progress.done:,} / {progress.total:,}", theme.text, 1),
            Part(progress_bar(share, bar_width, theme), theme.lane(0)),
            Part(state, theme.strong, 1),
        ],
        [],
        width,
        theme,
    )


def status(view: SweepView, below: int, width: int, theme: Theme) -> Strip:
    """The status line: the message, and the number of lines `below` the visible ones."""
    more = f"{'v' if theme.ascii else '↓'} {below} more " if below else ""
    room = width - len(more) - 4
    message = theme.glyphs.shortened(theme.printable(view.message), room)
    if view.alert:
        return bar([Part(f" {message} ", theme.alert)], [Part(more, theme.strong)], width, theme)
    return bar([Part(message, theme.text)], [Part(more, theme.strong)], width, theme)

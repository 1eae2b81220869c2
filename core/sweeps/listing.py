"""The recorded runs and sweeps of a folder with what a list shows of each, filtered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput
from ..runs.changes import with_changes
from ..runs.folder import Manifest, RunFolder
from ..stream.experiment_info import ExperimentInfo
from .overview import SweepOverview, overview
from .recorded_folders import RecordedFolder, recorded_folders


@dataclass(frozen=True)
class Recording:
    """A recorded run or sweep in a list."""

    folder: RecordedFolder
    overview: Manifest | SweepOverview

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.path.name

    @property
    def kind(self) -> str:
        """`run`, `sweep`, or `watched`: a run of a loop that clipwatch only watches."""
        if not isinstance(self.overview, Manifest):
            return "sweep"
        return "watched" if self.overview.watched else "run"


@dataclass(frozen=True)
class Filter:
    """What a list shows: this experiment, this dataset, what started since then, what was `changed`.

    `since` is in seconds since 1970. The experiment of a user is named by its class or by its file.
    """

    experiment: str | None = None
    dataset: str | None = None
    since: float | None = None
    changed: bool = False

    def accepts(self, found: Manifest | SweepOverview) -> bool:
        """Whether a run or sweep is listed."""
        return (
            (self.experiment is None or self.experiment in _names(found.experiment))
            and (self.dataset is None or found.dataset.name == self.dataset)
            and (self.since is None or found.started >= self.since)
            and (not self.changed or bool(found.changed))
        )


def _names(experiment: ExperimentInfo) -> tuple[str, ...]:
    file = experiment.file
    return (experiment.name, *((file, Path(file).name) if file else ()))


EVERYTHING = Filter()


def recordings(home: Path, filter: Filter, tell: Callable[[str], None]) -> list[Recording]:
    """The recordings that a filter accepts, by time of their start. `tell` gets a message for each unreadable one."""
    found: list[Recording] = []
    for folder in recorded_folders(home, tell):
        try:
            recording = Recording(folder, _overview(folder))
        except BadInput as error:
            tell(str(error))
            continue
        if filter.accepts(recording.overview):
            found.append(recording)
    return sorted(found, key=lambda recording: recording.overview.started)


def _overview(folder: RecordedFolder) -> Manifest | SweepOverview:
    return with_changes(folder, folder.manifest()) if isinstance(folder, RunFolder) else overview(folder)

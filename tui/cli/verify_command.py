"""`clipwatch verify`: trains a recorded run again and compares all figures bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...core.engine.resume import changes
from ...core.engine.session import Session
from ...core.engine.verify import compare, repetition
from ...core.runs.folder import RunFolder
from ...core.runs.machine import Machine
from ...core.runs.reader import read_recording
from ...core.runs.watched import require_own_training
from ...core.stream.events import Event, RunStarted
from ..text.messages import say, tell
from .experiment_settings import announce_code


def print_verification(folder: RunFolder, machine: Machine) -> int:
    """Train the run again and print the verdict; the exit code is 0 if all figures are identical, otherwise 1."""
    recorded = read_recording(folder.events)
    require_own_training(folder.path, recorded.started, "repeat")
    for text in recorded.damage:
        tell(text)
    config, resumption = repetition(recorded)
    announce_code(config.experiment, recorded.started.experiment)
    session = Session(machine.settings(config, tell), resumption=resumption)
    verdict = compare(recorded, _reporting_changes(session.run(), recorded.started))
    if not verdict.compared and not verdict.differences:
        say(f"{folder.path.name}: not verified; its recording has no figures to compare")
        return 1
    if not verdict.differences:
        missing = f"; evaluations missing from the recording: {verdict.missing}" if verdict.missing else ""
        say(f"{folder.path.name}: identical bit for bit in {verdict.compared} figures{missing}")
        return 0
    for lane, step, before, after in verdict.differences:
        say(f"{folder.path.name}: {lane} first differs at step {step}")
        say(f"  recorded  {before}")
        say(f"  now       {after}")
    return 1


def _reporting_changes(events: Iterable[Event], before: RunStarted) -> Iterator[Event]:
    """Yield the events; report what has changed since the run was recorded, such as the version of torch."""
    for event in events:
        if isinstance(event, RunStarted):
            for text in changes(before, event):
                tell(text)
        yield event

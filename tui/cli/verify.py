"""`clipwatch verify`: trains a recorded run again and says whether it comes out the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...core.engine.resume import changes
from ...core.engine.session import Session
from ...core.engine.verify import compare, repetition
from ...core.runs.folder import RunFolder
from ...core.runs.machine import Machine
from ...core.runs.reader import read_recording
from ...core.stream.events import Event, RunStarted
from ..text.messages import say, tell


def print_verification(folder: RunFolder, machine: Machine) -> int:
    """Print the verdict; the exit code is 0 if every figure is the same bit for bit, else 1."""
    recorded = read_recording(folder.events)
    for text in recorded.damage:
        tell(text)
    config, again = repetition(recorded)
    session = Session(machine.settings(config, tell), resumption=again)
    verdict = compare(recorded, _watched(session.run(), recorded.started))
    if not verdict.compared and not verdict.differences:
        say(f"{folder.path.name}: not verified: its recording holds no figure to compare")
        return 1
    if not verdict.differences:
        lacking = f"; evaluations missing in the recording: {verdict.missing}" if verdict.missing else ""
        say(f"{folder.path.name}: the same, bit for bit, in {verdict.compared} figures{lacking}")
        return 0
    for lane, step, before, after in verdict.differences:
        say(f"{folder.path.name}: {lane} first differs at step {step}")
        say(f"  recorded  {before}")
        say(f"  again     {after}")
    return 1


def _watched(events: Iterable[Event], before: RunStarted) -> Iterator[Event]:
    """The same events; what is other than when the run was recorded is told."""
    for event in events:
        if isinstance(event, RunStarted):
            for text in changes(before, event):
                tell(text)
        yield event

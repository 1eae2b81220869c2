"""`clipwatch verify`: trains a recorded run again and says whether it comes out the same."""

from __future__ import annotations

import sys

from ..core.recorded import read_recording
from ..core.resumption import with_data_here
from ..core.runs import RunFolder
from ..core.session import Session
from ..core.verification import compare, ends, repetition


def print_verification(folder: RunFolder, data_dir: str | None) -> int:
    """Print the verdict; the exit code is 0 if every figure is the same bit for bit, else 1."""
    recorded = read_recording(folder.events)
    for text in recorded.damage:
        _tell(text)
    config, commands = repetition(recorded)
    session = Session(with_data_here(config, data_dir, _tell))
    for command in (*commands, *ends(recorded)):
        session.send(command)
    verdict = compare(recorded, session.run())
    if not verdict.differences:
        print(f"{folder.path.name}: the same, bit for bit, in {verdict.compared} figures")
        return 0
    for lane, step, before, after in verdict.differences:
        print(f"{folder.path.name}: {lane} first differs at step {step}")
        print(f"  recorded  {before}")
        print(f"  again     {after}")
    return 1


def _tell(text: str) -> None:
    print(f"clipwatch: {text}", file=sys.stderr)

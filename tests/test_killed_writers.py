"""A writer killed at a random moment, 50 times: every recording opens, and at most the line under way is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KILLS = 50
# In a process of its own, which has no threads when it forks.
SCRIPT = f"""
import os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_state import EVALUATED, LANE, RUN
import msgspec
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.runs.reader import read_recording

def story():
    yield RUN
    yield LANE
    for step in range(10**9):
        yield msgspec.structs.replace(EVALUATED, step=step)

chance = random.Random(1)
for kill in range({KILLS}):
    home = Path(sys.argv[1]) / str(kill)
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        for event in Recorder(home).through(story()):
            os.write(tell, getattr(event, 'step', 0).to_bytes(4, 'big'))
        os._exit(0)
    os.close(tell)
    begun = b''
    while len(begun) < 4 * 4:
        begun += os.read(told, 4 * 4 - len(begun))
    time.sleep(chance.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    rest = b''
    while chunk := os.read(told, 1 << 16):
        rest += chunk
    os.close(told)
    (folder,) = home.iterdir()
    read = read_recording(folder / 'events.jsonl')
    seen = int.from_bytes(rest[-4:], 'big') if rest else 0
    last = read.last_evaluated('a')
    assert seen <= last <= seen + 1, (seen, last)
    assert [event.step for event in read.events[3:]] == list(range(last + 1))
print('whole')
"""


def test_every_recording_of_a_killed_writer_opens(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, tmp_path], capture_output=True, text=True, timeout=120)
    assert done.stdout == "whole\n", done.stderr

"""Whole lines that do not belong together, or are told together; line ends of another system."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from test_recording import read_bytes
from test_state import EVALUATED, FINISHED, LANE, RUN

from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.events import Event, RunFinished, SeekFinished

END = RunFinished(reason="completed", seconds=9.0)
STORY: list[Event] = [RUN, LANE, EVALUATED, FINISHED, END]
STRANGER = msgspec.structs.replace(EVALUATED, lane="stranger")
# Of a lane whose start is lost, only its settings are known.
MADE = msgspec.structs.replace(LANE, iterations=1000, parameters=0)


def written(events: list[Event]) -> bytes:
    return b"".join(seal(encode(event)) + b"\n" for event in events)


@pytest.mark.parametrize(
    ("events", "read", "told"),
    [
        (STORY, STORY, ()),
        ([LANE, RUN, EVALUATED], [RUN, LANE, EVALUATED], ("the run's start is not in the first line",)),
        ([RUN, EVALUATED, LANE], [RUN, LANE, EVALUATED], ("the start of a is missing or misplaced",)),
        ([RUN, FINISHED], [RUN, MADE, FINISHED], ("the start of a is missing or misplaced",)),
        ([RUN, LANE, EVALUATED, EVALUATED], STORY[:3], ("evaluations recorded twice, counted once: 1",)),
        (
            [*STORY, STRANGER, RUN, SeekFinished(step=1)],
            STORY,
            ("events of another run or an unknown lane, left out: 3",),
        ),
    ],
)
def test_a_recording_is_put_right_and_it_is_told_once(
    events: list[Event], read: list[Event], told: tuple[str, ...], tmp_path: Path
) -> None:
    found = read_bytes(written(events), tmp_path)
    assert found.events == read
    assert found.damage == tuple(f"events.jsonl: {text}" for text in told)


def test_line_ends_of_another_system_are_no_damage(tmp_path: Path) -> None:
    found = read_bytes(written(STORY).replace(b"\n", b"\r\n"), tmp_path)
    assert (found.events, found.damage) == (STORY, ())


def test_lines_that_are_damaged_alike_are_told_together(tmp_path: Path) -> None:
    deep = b"[" * 100_000 + b"\n"
    sealed = seal(b'{"v":1,"event":"Notice","text":"x","more":' + b"[" * 10_000 + b"]" * 10_000 + b"}") + b"\n"
    found = read_bytes(written(STORY[:2]) + deep * 3 + written(STORY[2:]) + sealed, tmp_path)
    assert found.events == STORY
    assert found.damage == (
        "events.jsonl: lines 3 to 5 are damaged and are left out",
        "events.jsonl: line 9 is not understood by this version and is left out",
    )


def test_of_damage_everywhere_the_first_lines_are_told_and_how_many_more(tmp_path: Path) -> None:
    found = read_bytes(written(STORY[:1]) + (b"?\n" + written(STORY[2:3])) * 50, tmp_path)
    told = [text for text in found.damage if "damaged" in text]
    assert told[0] == "events.jsonl: line 2 is damaged and is left out"
    assert told[-1] == "events.jsonl: 40 further lines are damaged and are left out"
    assert len(told) == 11

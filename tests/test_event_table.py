"""Events in columns are the events that they were made of, and their checksums are checked together as one by one."""

from __future__ import annotations

from itertools import islice, zip_longest
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_codec import values_of
from test_recording import read_bytes
from test_state import EVALUATED, FINISHED, LANE, RUN

from clipwatch.core.runs.checksums import all_sealed
from clipwatch.core.runs.event_table import EventRows, EventTable
from clipwatch.core.runs.timeline import LONGEST_GAP, Timeline
from clipwatch.core.stream.codec import encode, is_sealed, seal
from clipwatch.core.stream.events import Evaluated, Event, Notice, StepsTrained

STEPS = st.integers(-1, 2**62)
EVALUATIONS = st.builds(
    Evaluated,
    lane=st.sampled_from(["a", "b", ""]),
    step=STEPS,
    # An accuracy is a share of a number of examples.
    accuracy=st.none() | st.floats(0, 1),
    metrics=st.dictionaries(st.text(), values_of(float), max_size=2),
    **dict.fromkeys(("loss", "train_loss", "seconds"), values_of(float)),
)
STEP_LOGS = st.integers(1, 3).flatmap(
    lambda count: st.builds(
        StepsTrained,
        lane=st.sampled_from(["a", "b", ""]),
        step=st.integers(2, 2**50),
        **dict.fromkeys(("losses", "norms", "clipped_norms"), st.binary(min_size=4 * count, max_size=4 * count)),
        clipped=st.lists(st.integers(0, 1), min_size=count, max_size=count).map(bytes),
        metrics=st.dictionaries(st.text(), st.binary(min_size=4 * count, max_size=4 * count), max_size=2),
    )
)
EVENTS = st.lists(EVALUATIONS | STEP_LOGS | st.just(LANE) | st.just(Notice(text="told")))
SEALED = [seal(encode(event)) for event in (RUN, LANE, EVALUATED, FINISHED)]


def written(events: list[Event]) -> list[bytes]:
    """NaN is not itself, so what is compared is how events are written."""
    return [encode(event) for event in events]


@given(EVENTS, st.integers(1, 4))
def test_a_table_gives_the_events_it_was_made_of_in_whatever_parts(events: list[Event], length: int) -> None:
    rows = EventRows()
    rest = iter(events)
    while part := list(islice(rest, length)):
        rows.add(part)
    for table in (rows.table(), EventTable.of(events)):
        assert written(table.all()) == written(events)
        assert len(table) == len(events)
        assert written(table.after(RUN).all()) == written([RUN, *events])


@given(EVENTS)
def test_a_timeline_gives_them_in_order_of_step_one_by_one(events: list[Event]) -> None:
    steps = [getattr(event, "step", -1) for event in events]
    places = [step if step >= 0 else max(steps[: number + 1]) for number, step in enumerate(steps)]
    order = sorted(range(len(events)), key=places.__getitem__)
    timeline = Timeline(EventTable.of(events))
    assert written([timeline[index] for index in range(len(timeline))]) == written([events[at] for at in order])
    waits = np.diff(timeline.times, prepend=0.0)
    assert ((waits >= 0) & (waits <= LONGEST_GAP + 1e-9)).all()


def test_a_recording_gives_the_same_whether_its_lines_are_read_together_or_singly(tmp_path: Path) -> None:
    evaluated = [msgspec.structs.replace(EVALUATED, step=step, loss=1 / (step + 3)) for step in range(100)]
    story: list[Event] = [RUN, LANE, *evaluated, FINISHED]
    content = b"".join(seal(encode(event)) + b"\n" for event in story)
    assert read_bytes(content, tmp_path).events == story
    diverging = msgspec.structs.replace(EVALUATED, step=100, loss=float("inf"))
    singly = read_bytes(content + seal(encode(diverging)) + b"\n", tmp_path)
    assert singly.events == [*story, diverging]
    assert singly.damage == ()


@pytest.mark.parametrize("number", range(len(SEALED)))
def test_any_flipped_bit_breaks_the_seal_of_all(number: int) -> None:
    assert all_sealed(b"\n".join(SEALED) + b"\n")
    line = SEALED[number]
    for place in range(len(line)):
        flipped = line[:place] + bytes([line[place] ^ 1 << place % 8]) + line[place + 1 :]
        lines = [*SEALED[:number], flipped, *SEALED[number + 1 :]]
        assert not all_sealed(b"\n".join(lines) + b"\n")


@given(
    st.lists(
        st.sampled_from([*SEALED, b"", b"}", SEALED[0].upper(), SEALED[1][:-1]]) | st.binary(max_size=40), max_size=4
    ),
    st.lists(st.just(b"\n") | st.just(b"\r\n"), max_size=4),
)
def test_the_seals_of_many_lines_hold_where_each_does(lines: list[bytes], ends: list[bytes]) -> None:
    content = b"".join(line + (end or b"\n") for line, end in zip_longest(lines, ends, fillvalue=b""))
    assert all_sealed(content) == all(is_sealed(line) for line in (content.split(b"\n")[:-1] or [b""]))

"""Any bytes that a terminal may send are read: what makes no sense is dropped, what stands beside it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from textual.events import Key

from clipwatch.tui.terminal.reader import TerminalReader

_NUMBERS = st.integers(0, 10**12).map(str) | st.sampled_from(["", ":", "5:1", "1114112", "55296", "-1", "٣"])
_SEQUENCES = st.builds(
    lambda start, numbers, end: f"\x1b[{start}{';'.join(numbers)}{end}",
    st.sampled_from(["", "<", "?", "M", "200~", "48;"]),
    st.lists(_NUMBERS, max_size=5),
    st.sampled_from([*"u~ABHPRSIOMmtyc$", "$y", "\x1b", "\xff"]),
).map(str.encode)


def keys(reader: TerminalReader, typed: bytes) -> list[str]:
    return [message.key for message in reader.feed(typed) if isinstance(message, Key)]


@pytest.mark.parametrize(
    "foreign", [b"\x1b[40;5:1u", b"\x1b[1114112u", b"\x1b[97;1:4u", b"\x1b[55296u", b"\x1b[97;1;55296u"]
)
def test_what_cannot_be_understood_is_dropped_alone(foreign: bytes) -> None:
    assert keys(TerminalReader(), b"a" + foreign + b"b\xc3" + b"\xa9") == ["a", "b", "é"]


@hypothesis_settings(deadline=None)
@given(st.lists(st.binary(max_size=12) | _SEQUENCES, max_size=12))
def test_no_bytes_raise_and_every_key_can_be_written_again(typed: list[bytes]) -> None:
    reader = TerminalReader()
    for part in typed:
        for message in reader.feed(part):
            if isinstance(message, Key) and message.character:
                message.character.encode()
    # Whatever was begun has an end.
    for _ in range(2):
        list(reader.feed(b"\x1b[201~" + b"\x18" * 40))
    assert keys(reader, b"q") == ["q"]

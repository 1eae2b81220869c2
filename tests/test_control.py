"""Commands from standard input, however they are written."""

from __future__ import annotations

import io

import pytest

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.codec import decode_command, encode
from clipwatch.core.stream.commands import Pause, Stop
from clipwatch.tui.headless.control import _MAX_LINE, _lines

PAUSE, STOP = encode(Pause()) + b"\n", encode(Stop())


@pytest.mark.parametrize("length", [_MAX_LINE - 1, _MAX_LINE, _MAX_LINE + 1, 3 * _MAX_LINE, 3 * _MAX_LINE + 1])
def test_a_line_without_end_is_refused_once_and_its_rest_dropped(length: int) -> None:
    first, cut, *rest = _lines(io.BytesIO(PAUSE + b"[" * length + b"\n" + PAUSE + STOP))
    assert [first, *rest] == [PAUSE, PAUSE, STOP]
    assert len(cut) <= _MAX_LINE
    with pytest.raises(BadInput):
        decode_command(cut)

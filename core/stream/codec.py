"""Encodes and decodes events and commands as JSON lines: recordings, the pipe to the screen, `--json`, `--control`.

A line is one object: `{"v":1,"event":"LanePaused","lane":"clipped","step":20}`. JSON has no NaN or infinity, so these
are written as the strings "NaN", "Infinity" and "-Infinity" in the place of a number.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, get_args

import msgspec

from ..errors import BadInput
from ..safe_text import valid_unicode
from .commands import AnyCommand, Command
from .earlier_versions import is_of_earlier_version, upgraded
from .events import AnyEvent, Event
from .json_numbers import reader, spelled
from .sweep_events import AnySweepEvent

SCHEMA = 1
# In bytes. Longer than the longest line that clipwatch writes, an EvaluatedEarlier of six million evaluations.
LONGEST_LINE = 64 << 20
# The start of every line that this version writes. A line that starts so needs no check of its schema.
_LINE_START = b'{"v":%d,' % SCHEMA
_EVENT_START = b'%s"event":' % _LINE_START


class OtherSchema(BadInput):
    """A line whose schema this version does not read."""


class UnknownEvent(BadInput):
    """An event of a kind that this version does not know. The other events can be used without it."""


class _Header(msgspec.Struct):
    # Raw, because another version may write anything here.
    v: msgspec.Raw = msgspec.Raw(b"%d" % SCHEMA)


class _EventName(msgspec.Struct):
    event: str


_encoder = msgspec.json.Encoder()
_header = msgspec.json.Decoder(_Header)
_json = msgspec.json.Decoder()
_event_name = msgspec.json.Decoder(_EventName)
_KINDS = {kind.__struct_config__.tag for kind in (*get_args(AnyEvent), *get_args(AnySweepEvent))}


class _Reader:
    """Decodes lines to one type: directly, or by way of plain values if a number is written as a string."""

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(type_)

    @cached_property
    def _numbers(self) -> Callable[[Any], Any]:
        """Converts numbers written as strings. Made on first use, because that takes milliseconds."""
        return reader(self._type)

    def read(self, line: bytes | str) -> Any:
        """Decode a line. Raises BadInput."""
        if len(line) > LONGEST_LINE:
            raise BadInput(f"longer than {LONGEST_LINE >> 20} MiB: {_shorten(line)}")
        try:
            raw = line.encode() if isinstance(line, str) else line
            if not raw.startswith(_LINE_START):
                _check_schema(bytes(_header.decode(raw).v))
            if is_of_earlier_version(raw):
                return self._read_as_values(raw)
            return self.decoder.decode(raw)
        except msgspec.ValidationError as error:
            return self._read_with_strings(line, error)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise BadInput(f"not a JSON line: {error}: {_shorten(line)}") from error

    def _read_with_strings(self, line: bytes | str, error: msgspec.ValidationError) -> Any:
        """Decode a line again in which a number may be a string, which the fast path rejects with `error`."""
        try:
            return self._read_as_values(line)
        except (msgspec.DecodeError, TypeError, RecursionError, UnicodeError):
            self._raise_if_unknown(line)
            raise BadInput(f"{error}: {_shorten(line)}") from error

    def _read_as_values(self, line: bytes | str) -> Any:
        """Decode a line by way of plain values."""
        values = _json.decode(line)
        if not isinstance(values, dict):
            raise TypeError("not an object")
        values.pop("v", None)
        # JSON has no keys that are numbers, as the steps of `clip_at` are.
        return msgspec.convert(self._numbers(upgraded(values)), self._type, str_keys=True)

    def _raise_if_unknown(self, line: bytes | str) -> None:
        """Raise UnknownEvent if the line names an event that this version does not know."""
        name = kind_of(line)
        if self._type is not AnyCommand and name is not None and name not in _KINDS:
            raise UnknownEvent(f"{name[:40]!r} events are from another version of clipwatch and are left out")


_events, _sweeps, _commands = _Reader(AnyEvent), _Reader(AnySweepEvent), _Reader(AnyCommand)


def kind_of(line: bytes | str) -> str | None:
    """The value of a line's `event`, whether this version knows it or not; None if there is none."""
    try:
        return _event_name.decode(line).event
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def encode(message: Event | Command) -> bytes:
    """Encode an event or command as one line, without the line end."""
    try:
        line = _encoder.encode(message)
    except UnicodeEncodeError:
        # A text holds a path with bytes that are not UTF-8.
        return encode(msgspec.convert(_valid(msgspec.to_builtins(message)), type(message)))
    if b"null" in line:
        # msgspec writes NaN and infinity as null, as it does None.
        line = msgspec.json.encode(spelled(msgspec.to_builtins(message)))
    return b'{"v":%d,%s' % (SCHEMA, line[1:])


def decode_event(line: bytes | str) -> AnyEvent:
    """Decode an event of a run. Raises BadInput, which says what is wrong with the line."""
    return _events.read(line)


def decode_sweep_event(line: bytes | str) -> AnySweepEvent:
    """Decode an event of a sweep. Raises BadInput."""
    return _sweeps.read(line)


def decode_events(lines: bytes) -> list[AnyEvent]:
    """Decode whole lines, much faster than one at a time. Raises BadInput if any line is wrong."""
    if lines.count(_EVENT_START) != lines.count(b"\n"):
        raise BadInput("a line is of another schema, or not of clipwatch")
    if is_of_earlier_version(lines):
        raise BadInput("a line is of an earlier version")
    try:
        return _events.decoder.decode_lines(lines)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"not a line of clipwatch: {error}") from error


def seal(line: bytes) -> bytes:
    """Add a checksum (CRC-32) to a line, as the last member of its object. Lines on disk are sealed."""
    return b'%s,"crc":"%08x"}' % (line[:-1], zlib.crc32(line))


def is_sealed(line: bytes) -> bool:
    """Whether a sealed line matches its checksum, which detects every change of a single byte."""
    body, mark, checksum = line.rpartition(b',"crc":"')
    return bool(mark) and checksum == b'%08x"}' % zlib.crc32(body + b"}")


def decode_command(line: bytes | str) -> AnyCommand:
    """Decode a command; the line may leave out `v`. Raises BadInput, which says what is wrong with the line."""
    return _commands.read(line)


def _check_schema(version: bytes) -> None:
    if version != b"%d" % SCHEMA:
        shown = repr(version[:20].decode(errors="replace"))[1:-1]
        raise OtherSchema(f"schema {shown}: written by another clipwatch; this one reads schema {SCHEMA}; upgrade it")


def _valid(value: Any) -> Any:
    """A copy of `value` in which every string is valid Unicode."""
    match value:
        case str():
            return valid_unicode(value)
        case dict():
            return {_valid(key): _valid(item) for key, item in value.items()}
        case list() | tuple():
            return [_valid(item) for item in value]
        case _:
            return value


def _shorten(line: bytes | str) -> str:
    # 81 characters take at most 324 bytes.
    text = line[:324].decode(errors="replace") if isinstance(line, bytes) else line
    return repr(text if len(text) <= 80 else text[:77] + "...")

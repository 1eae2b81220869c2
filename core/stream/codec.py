"""Events and commands as one JSON object a line: the recording, the pipe to the screen, `--json` and `--control`.

`{"v":1,"event":"LanePaused","lane":"clipped","step":20}`. JSON has no NaN or infinity: these are written
as the strings "NaN", "Infinity" and "-Infinity" where a number is expected.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cached_property
from typing import Any, get_args

import msgspec

from ..errors import BadInput
from ..text import valid_unicode
from .commands import AnyCommand, Command
from .events import AnyEvent, Event
from .json_numbers import reader, spelled
from .sweep_events import AnySweepEvent

SCHEMA = 1
# Bytes of a line: room for the longest honest one, an EvaluatedEarlier of six million evaluations.
LONGEST_LINE = 64 << 20
# Every line that this version writes begins so, and its schema is not parsed again.
_OURS = b'{"v":%d,' % SCHEMA
_OUR_EVENT = b'%s"event":' % _OURS


class OtherSchema(BadInput):
    """A line in another version's way of writing."""


class UnknownEvent(BadInput):
    """An event of a kind that this version does not know; the events around it stand without it."""


class _Header(msgspec.Struct):
    # As it is written: what is no integer is no version of ours either.
    v: msgspec.Raw = msgspec.Raw(b"%d" % SCHEMA)


class _Kind(msgspec.Struct):
    event: str


_encoder = msgspec.json.Encoder()
_header = msgspec.json.Decoder(_Header)
_json = msgspec.json.Decoder()
_kind = msgspec.json.Decoder(_Kind)
_KINDS = {kind.__struct_config__.tag for kind in (*get_args(AnyEvent), *get_args(AnySweepEvent))}


class _Reader:
    """Reads lines of one kind: at once, or where a number is spelled as a string, through plain values."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self.decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)

    @cached_property
    def _numbers(self) -> Callable[[Any], Any]:
        """Made when first needed, which takes milliseconds."""
        return reader(self._kind)

    def read(self, line: bytes | str) -> Any:
        """What the line says; BadInput."""
        if len(line) > LONGEST_LINE:
            raise BadInput(f"longer than {LONGEST_LINE >> 20} MiB: {_shortened(line)}")
        try:
            raw = line.encode() if isinstance(line, str) else line
            if not raw.startswith(_OURS):
                _refuse_other_schema(bytes(_header.decode(raw).v))
            return self.decoder.decode(raw)
        except msgspec.ValidationError as error:
            return self._read_spelled(line, error)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise BadInput(f"not a JSON line: {error}: {_shortened(line)}") from error

    def _read_spelled(self, line: bytes | str, error: msgspec.ValidationError) -> Any:
        """A second try for lines with a spelled number, which the fast path takes for a string in a number's place."""
        try:
            raw = _json.decode(line)
            if not isinstance(raw, dict):
                raise error
            raw.pop("v", None)
            return msgspec.convert(self._numbers(raw), self._kind)
        except (msgspec.DecodeError, TypeError, RecursionError, UnicodeError):
            self._refuse_unknown_kind(line)
            raise BadInput(f"{error}: {_shortened(line)}") from error

    def _refuse_unknown_kind(self, line: bytes | str) -> None:
        """UnknownEvent if that is all that is wrong with a line."""
        name = kind_of(line)
        if self._kind is not AnyCommand and name is not None and name not in _KINDS:
            raise UnknownEvent(f"{name[:40]!r} events are of another version of clipwatch and are passed over")


_events, _sweeps, _commands = _Reader(AnyEvent), _Reader(AnySweepEvent), _Reader(AnyCommand)


def kind_of(line: bytes | str) -> str | None:
    """The event that a line says it is, known or not; None if it says nothing of the kind."""
    try:
        return _kind.decode(line).event
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None


def encode(message: Event | Command) -> bytes:
    """One line without its line end."""
    try:
        line = _encoder.encode(message)
    except UnicodeEncodeError:
        # A path in one of its texts has bytes that are no UTF-8.
        return encode(msgspec.convert(_valid(msgspec.to_builtins(message)), type(message)))
    if b"null" in line:
        # What has no number in JSON has become null; so has None, which stays.
        line = msgspec.json.encode(spelled(msgspec.to_builtins(message)))
    return b'{"v":%d,%s' % (SCHEMA, line[1:])


def decode_event(line: bytes | str) -> AnyEvent:
    """The event of one line; BadInput says what is wrong with the line."""
    return _events.read(line)


def decode_sweep_event(line: bytes | str) -> AnySweepEvent:
    """The same of a sweep."""
    return _sweeps.read(line)


def decode_events(lines: bytes) -> list[AnyEvent]:
    """The events of whole lines, much sooner than one at a time; BadInput if anything is wrong with any."""
    if lines.count(_OUR_EVENT) != lines.count(b"\n"):
        raise BadInput("a line of another schema, or none of ours")
    try:
        return _events.decoder.decode_lines(lines)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"not a line of ours: {error}") from error


def seal(line: bytes) -> bytes:
    """A line for the disk: the same object with a checksum of it as its last member."""
    return b'%s,"crc":"%08x"}' % (line[:-1], zlib.crc32(line))


def is_sealed(line: bytes) -> bool:
    """Whether a line from the disk is as it was sealed; one of its bytes changed, it is not."""
    body, mark, checksum = line.rpartition(b',"crc":"')
    return bool(mark) and checksum == b'%08x"}' % zlib.crc32(body + b"}")


def decode_command(line: bytes | str) -> AnyCommand:
    """The command of one line, in which `v` may be left out; BadInput says what is wrong with the line."""
    return _commands.read(line)


def _refuse_other_schema(version: bytes) -> None:
    if version != b"%d" % SCHEMA:
        shown = repr(version[:20].decode(errors="replace"))[1:-1]
        raise OtherSchema(f"schema {shown}: written by another clipwatch; this one reads schema {SCHEMA}; upgrade it")


def _valid(value: Any) -> Any:
    """`value` with every text in valid Unicode."""
    match value:
        case str():
            return valid_unicode(value)
        case dict():
            return {_valid(key): _valid(item) for key, item in value.items()}
        case list() | tuple():
            return [_valid(item) for item in value]
        case _:
            return value


def _shortened(line: bytes | str) -> str:
    # No character takes more than four bytes.
    text = line[:324].decode(errors="replace") if isinstance(line, bytes) else line
    return repr(text if len(text) <= 80 else text[:77] + "...")

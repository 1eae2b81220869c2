"""Events and commands as one JSON object a line: the recording, the pipe to the screen, `--json` and `--control`.

`{"v":1,"event":"LanePaused","lane":"clipped","step":20}`. JSON has no NaN or infinity: these are written
as the strings "NaN", "Infinity" and "-Infinity" where a number is expected.
"""

from __future__ import annotations

import math
import zlib
from typing import Any, get_args

import msgspec

from .commands import AnyCommand, Command
from .errors import BadInput
from .events import AnyEvent, Event
from .sweeps.results import AnySweepEvent
from .text import valid_unicode

SCHEMA = 1
_PREFIX = b'{"v":%d,"event":' % SCHEMA
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class _Header(msgspec.Struct):
    v: int = SCHEMA


_encoder = msgspec.json.Encoder()
_header = msgspec.json.Decoder(_Header)
_events = msgspec.json.Decoder(AnyEvent)
_sweeps = msgspec.json.Decoder(AnySweepEvent)
_commands = msgspec.json.Decoder(AnyCommand)
_json = msgspec.json.Decoder()
# The fields that may hold a spelled-out number, by kind of event; a lane called NaN is none.
_FLOATS = {
    kind.__name__: tuple(
        field.name for field in msgspec.structs.fields(kind) if float in (field.type, *get_args(field.type))
    )
    for kind in get_args(AnyEvent)
}


def encode(message: Event | Command) -> bytes:
    """One line without its line end."""
    try:
        line = _encoder.encode(message)
    except UnicodeEncodeError:
        # A path in one of its texts has bytes that are no UTF-8.
        return encode(msgspec.convert(_valid(msgspec.to_builtins(message)), type(message)))
    if b"null" in line:
        # What has no number in JSON has become null; so has None, which stays.
        line = msgspec.json.encode(_spelled(msgspec.to_builtins(message)))
    return b'{"v":%d,%s' % (SCHEMA, line[1:])


def decode_event(line: bytes | str) -> AnyEvent:
    """The event of one line; BadInput says what is wrong with the line."""
    return _decode(line, _events, AnyEvent)


def decode_sweep_event(line: bytes | str) -> AnySweepEvent:
    """The same of a sweep."""
    return _decode(line, _sweeps, AnySweepEvent)


def decode_events(lines: bytes) -> list[AnyEvent]:
    """The events of whole lines, much sooner than one at a time; BadInput if anything is wrong with any."""
    if lines.count(_PREFIX) != lines.count(b"\n"):
        raise BadInput("a line of another schema, or none of ours")
    try:
        return _events.decode_lines(lines)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
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
    return _decode(line, _commands, AnyCommand)


def _decode(line: bytes | str, decoder: msgspec.json.Decoder[Any], kind: Any) -> Any:
    try:
        text = line if isinstance(line, str) else line.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"not a JSON line: {error}: {_shortened(line)}") from error
    return _decode_text(text, decoder, kind)


def _decode_text(line: str, decoder: msgspec.json.Decoder[Any], kind: Any) -> Any:
    try:
        version = _header.decode(line).v
        if version != SCHEMA:
            raise BadInput(
                f"schema {version}: written by another clipwatch; this one reads schema {SCHEMA}; upgrade it"
            )
        return decoder.decode(line)
    except msgspec.ValidationError as error:
        return _decode_spelled(line, kind, error)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise BadInput(f"not a JSON line: {error}: {_shortened(line)}") from error


def _decode_spelled(line: str, kind: Any, error: msgspec.ValidationError) -> Any:
    """A second try for lines with a spelled-out number, which the fast path takes for a string in a number's place."""
    try:
        raw = _json.decode(line)
        if not isinstance(raw, dict):
            raise error
        raw.pop("v", None)
        for name in _FLOATS.get(raw.get("event", ""), ()):
            if isinstance(raw.get(name), str):
                raw[name] = _NON_FINITE.get(raw[name], raw[name])
        return msgspec.convert(raw, kind)
    except (msgspec.DecodeError, TypeError, RecursionError):
        raise BadInput(f"{error}: {_shortened(line)}") from error


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


def _spelled(value: Any) -> Any:
    """`value` with every non-finite number spelled out."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    return value


def _shortened(line: bytes | str) -> str:
    text = line.decode(errors="replace") if isinstance(line, bytes) else line
    return repr(text if len(text) <= 80 else text[:77] + "...")

"""Parses terminal input into Textual messages; drops input that cannot be parsed."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.message import Message


class TerminalReader:
    """Parses any bytes. It never raises, and never yields keys with lone surrogates, which cannot be encoded again."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._parser = XTermParser()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages in these bytes. A sequence that cannot be parsed is dropped without affecting its neighbours."""
        for character in self._decoder.decode(data):
            yield from self._valid_messages(self._parser.feed(character))

    def tick(self) -> Iterator[Message]:
        """The messages that are due after a pause: an ESC byte that nothing follows is the Escape key."""
        yield from self._valid_messages(self._parser.tick())

    def _valid_messages(self, messages: Iterable[Message]) -> Iterator[Message]:
        try:
            yield from (message for message in messages if not _has_surrogate(message))
        except Exception:
            # Any input may arrive here, and after any exception the parser cannot be used again.
            self._parser = XTermParser()


def _has_surrogate(message: Message) -> bool:
    """Whether it is a key with a lone surrogate, which a terminal can send as a code point number."""
    return isinstance(message, Key) and any("\ud800" <= character <= "\udfff" for character in message.character or "")

"""What is typed at a terminal, as Textual's messages; what makes no sense is dropped."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from textual._xterm_parser import XTermParser
from textual.events import Key
from textual.message import Message


class TerminalReader:
    """Reads any bytes: neither what Textual's parser raises nor text that cannot be written again gets out of it."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._parser = XTermParser()

    def feed(self, typed: bytes) -> Iterator[Message]:
        """What these bytes say; a sequence that cannot be understood takes nothing with it that stands beside it."""
        for character in self._decoder.decode(typed):
            yield from self._understood(self._parser.feed(character))

    def tick(self) -> Iterator[Message]:
        """What follows from silence: an ESC that nothing came after is the key."""
        yield from self._understood(self._parser.tick())

    def _understood(self, messages: Iterable[Message]) -> Iterator[Message]:
        try:
            yield from (message for message in messages if not _is_half_a_character(message))
        except Exception:
            # The edge to foreign input, and to a parser that ends with whatever it raises.
            self._parser = XTermParser()


def _is_half_a_character(message: Message) -> bool:
    """Whether it is a key with a surrogate, which a terminal can name by its number."""
    return isinstance(message, Key) and any("\ud800" <= character <= "\udfff" for character in message.character or "")

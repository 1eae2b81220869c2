"""Text from outside, made fit to be shown: names, paths, causes and notices may hold anything."""

from __future__ import annotations

import html
import re


def printable(text: str, *, ascii: bool = False) -> str:
    """One line without what moves a cursor, turns the direction or cannot be encoded: `\\x1b` is shown for ESC.

    With `ascii` everything beyond ASCII is written that way, too.
    """
    if not text.isprintable():
        text = "".join(" " if c.isspace() else c if c.isprintable() else _escaped(c) for c in text)
    return text.encode("ascii", "backslashreplace").decode() if ascii and not text.isascii() else text


def in_encoding(text: str, encoding: str | None) -> str:
    """Printable text in which characters that an encoding lacks are written like `\\u88c1`."""
    name = encoding or "utf-8"
    return printable(text).encode(name, "backslashreplace").decode(name)


def valid_unicode(text: str) -> str:
    """The same text, with bytes of a path that are no UTF-8 written as `\\xd4`."""
    return "".join(_escaped(c) if "\ud800" <= c <= "\udfff" else c for c in text)


def in_markdown(text: str) -> str:
    """One line in which nothing is Markdown or HTML."""
    return html.escape(re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", printable(text)), quote=False)


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        # Python's stand-in for a byte that is no UTF-8.
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()

"""Makes text from outside safe to show. Names, paths, error messages and notices may hold any character."""

from __future__ import annotations

import html
import re


def printable(text: str, *, ascii: bool = False) -> str:
    """The text as one line without control characters, which appear as escapes: ESC becomes `\\x1b`.

    With `ascii`, characters outside ASCII become escapes too.
    """
    if not text.isprintable():
        text = "".join(" " if c.isspace() else c if c.isprintable() else _escaped(c) for c in text)
    return text.encode("ascii", "backslashreplace").decode() if ascii and not text.isascii() else text


def in_encoding(text: str, encoding: str | None) -> str:
    """Printable text in which characters that the encoding lacks become escapes such as `\\u88c1`."""
    name = encoding or "utf-8"
    return printable(text).encode(name, "backslashreplace").decode(name)


def valid_unicode(text: str) -> str:
    """The text, with the bytes of a path that are not UTF-8 as escapes such as `\\xd4`."""
    return "".join(_escaped(c) if "\ud800" <= c <= "\udfff" else c for c in text)


def in_markdown(text: str) -> str:
    """The text as one line in which Markdown and HTML characters are escaped."""
    return html.escape(re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", printable(text)), quote=False)


def _escaped(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        # Python's surrogate for a byte that is not UTF-8.
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()

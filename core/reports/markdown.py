"""Renders a report as Markdown; its figures are separate files."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from ..safe_text import in_markdown, printable
from .blocks import Block, Bullets, Cell, Heading, KeyPoints, Paragraph, Picture, Table, Text, TrainingLog, Warnings
from .phrases import Phrase


def markdown(blocks: Sequence[Block], files: Mapping[str, str]) -> str:
    """The Markdown text; `files` maps the name of each picture to its file name."""
    return "\n\n".join(_block(block, files) for block in blocks) + "\n"


def _block(block: Block, files: Mapping[str, str]) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {_text(text)}"
        case Paragraph(text):
            return _text(text)
        case Warnings(items):
            return "\n>\n".join(f"> **!** {_text(item)}" for item in items)
        case KeyPoints(items=items) | Bullets(items=items):
            return "\n".join(f"- {_text(item)}" for item in items)
        case Table(header, rows):
            return "\n".join(_row(row) for row in (header, ("---",) * len(header), *rows))
        case TrainingLog(lanes, rows):
            return _columns((tuple(map(str, lanes)), *rows))
        case Picture(name, caption=caption):
            return f"![{in_markdown(str(caption))}]({quote(os.fsencode(files[name]))})\n\n*{_text(caption).strip()}*"


def _row(cells: tuple[Cell, ...]) -> str:
    return "| " + " | ".join("---" if cell == "---" else in_markdown(str(cell)) for cell in cells) + " |"


def _columns(rows: tuple[tuple[str, ...], ...]) -> str:
    """The rows as aligned columns in a code block."""
    cells = [[_verbatim(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  |  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join(("```text", *lines, "```"))


def _width(text: str) -> int:
    """The width in terminal cells. Combining marks take none."""
    spacing = (c for c in text if unicodedata.category(c) not in ("Mn", "Me"))
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in spacing)


def _text(text: Text) -> str:
    return text.render(str, in_markdown, _code) if isinstance(text, Phrase) else in_markdown(text)


def _code(text: str) -> str:
    return "`" + _verbatim(text) + "`"


def _verbatim(text: str) -> str:
    """Text for inside a code block or code span; its backquotes become apostrophes, so that it cannot end the code."""
    return printable(text).replace("`", "'")

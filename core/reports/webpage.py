"""Renders a report as one HTML file that needs no network and no script."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from ..safe_text import printable
from .blocks import Block, Bullets, Cell, Heading, KeyPoints, Paragraph, Picture, Table, Text, TrainingLog, Warnings
from .lane_marks import LaneLabel
from .phrases import TAGS, Phrase
from .stylesheet import STYLESHEET

# The page may not load anything, even if text from a recording asks for it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

# A number, possibly with its interval, or a short unit, which browsers could break in Chinese: kept on one line.
_UNBROKEN = re.compile(r"[~<+-]{0,2}\d.{0,30}|\S{1,4}")


def webpage(blocks: Sequence[Block], language: str) -> str:
    """The whole page. Every text is escaped."""
    title = next((str(block.text) for block in blocks if isinstance(block, Heading)), "clipwatch")
    body = "\n".join(_block(block) for block in blocks)
    return f"""<!DOCTYPE html>
<html lang="{TAGS[language]}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="clipwatch">
<title>{_escaped(title)}</title>
<style>
{STYLESHEET}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def fragment(blocks: Sequence[Block]) -> str:
    """The blocks as a part of another page, whose style they take. Every text is escaped."""
    # Without a style, the cells of a table would touch.
    body = "\n".join(map(_block, blocks)).replace("<table ", '<table cellpadding="5" ')
    return f"<div>\n{body}\n</div>"


def _block(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{_text(text)}</p>"
        case Warnings(items):
            return '<aside class="warnings">\n' + "\n".join(f"<p>{_text(item)}</p>" for item in items) + "\n</aside>"
        case KeyPoints(items, lanes):
            return _coloured(_list("summary", items), lanes)
        case Bullets(items):
            return _list("bullets", items)
        case Table(header, rows):
            return _table("figures", header, rows)
        case TrainingLog(lanes, rows):
            return _table("log", lanes, rows)
        case Picture(name, svg, caption, kind):
            return (
                f'<figure id="figure-{name}" class="{kind}">\n{svg}<figcaption>{_text(caption)}</figcaption>\n</figure>'
            )


def _list(kind: str, items: Sequence[Text]) -> str:
    return f'<ul class="{kind}">\n' + "\n".join(f"<li>{_text(item)}</li>" for item in items) + "\n</ul>"


def _coloured(page: str, lanes: Sequence[LaneLabel]) -> str:
    """The text with the symbols of lanes in their colours."""
    for lane in lanes:
        page = page.replace(_escaped(str(lane)), _content(lane))
    return page


def _table(kind: str, header: tuple[Cell, ...], rows: tuple[tuple[Cell, ...], ...]) -> str:
    # Keep a number and its % on one line.
    head = "".join(f'<th scope="col">{_content(cell).replace(" %", "&nbsp;%")}</th>' for cell in header)
    body = "\n".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    table = f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div class="wide"><table class="{kind}">\n{table}\n</table></div>'


def _cell(cell: Cell) -> str:
    kind = ' class="number"' if isinstance(cell, str) and _UNBROKEN.fullmatch(cell) else ""
    return f"<td{kind}>{_content(cell)}</td>"


def _content(cell: Cell) -> str:
    if isinstance(cell, str):
        return _escaped(cell)
    return f'<span style="color: {cell.colour}">{cell.symbol}</span>&nbsp;{_escaped(cell.name)}'


def _text(text: Text) -> str:
    return text.render(_escaped, _escaped, _code) if isinstance(text, Phrase) else _escaped(text)


def _code(text: str) -> str:
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    return html.escape(printable(text))

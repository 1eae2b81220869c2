"""The rows of a screen, read from Textual's picture of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
# The size of a character cell in Rich's pictures.
CELL, LINE = 12.2, 24.4
NO_BREAK_SPACE, EMPTY_BRAILLE = "\xa0", "\u2800"
# Pieces of text whose characters come from one font: dots, lines and blocks may come from others than letters do.
_PIECE = re.compile(
    r"[\u2801-\u28ff]+(?: +[\u2801-\u28ff]+)*"
    r"|([\u2581-\u2588])\1*|[\u2589-\u258f]"
    r"|[\u2190-\u2580\u2590-\u27ff\u2900-\u2bff]+"
    r"|[^\s\u2190-\u2bff]+(?: [^\s\u2190-\u2bff]+)*"
)


@dataclass(frozen=True)
class Block:
    """Cells of a row from column `x` on with one background colour."""

    x: int
    width: int
    fill: str


@dataclass(frozen=True)
class Piece:
    """Text from column `x` on; `css` is its colour and weight."""

    x: int
    text: str
    css: str


@dataclass(frozen=True)
class Row:
    """A row of the screen."""

    number: int
    blocks: tuple[Block, ...]
    pieces: tuple[Piece, ...]


def rows_of(screenshot: str) -> tuple[Row, ...]:
    """The rows of a picture that Textual's `export_screenshot(simplify=True)` returned."""
    root = ElementTree.fromstring(screenshot)
    css = dict(re.findall(r"\.([\w-]+-r\d+) { (.*) }", next(root.iter(f"{SVG}style")).text or ""))
    blocks: defaultdict[int, list[Block]] = defaultdict(list)
    pieces: defaultdict[int, list[Piece]] = defaultdict(list)
    for element in root.iter():
        x = round(float(element.get("x", 0)) / CELL)
        number = int(float(element.get("y", 0)) / LINE)
        if element.tag == f"{SVG}rect" and element.get("shape-rendering"):
            blocks[number].append(Block(x, round(float(element.get("width", 0)) / CELL), element.get("fill", "")))
        elif element.tag == f"{SVG}text" and element.get("clip-path"):
            text = (element.text or "").replace(NO_BREAK_SPACE, " ")
            style = css[element.get("class", "")].replace(" ", "").rstrip(";")
            pieces[number] += (Piece(x + at, part, style) for at, part in _pieces(text))
    return tuple(Row(number, _joined(blocks[number]), tuple(pieces[number])) for number in sorted({*blocks, *pieces}))


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Parts of a text, each in characters of one font, and where they begin."""
    for found in _PIECE.finditer(text):
        part = found.group()
        yield found.start(), part.replace(" ", EMPTY_BRAILLE) if "\u2800" <= part[0] <= "\u28ff" else part


def _joined(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """The blocks from left to right, with neighbours of one colour joined."""
    joined: list[Block] = []
    for block in blocks:
        last = joined[-1] if joined else block
        if last.fill == block.fill and last.x + last.width == block.x:
            joined[-1] = replace(last, width=last.width + block.width)
        else:
            joined.append(block)
    return tuple(joined)

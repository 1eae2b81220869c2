"""What a report is made of, whatever it is written as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .phrases import Phrase

# A str may come from a recording: it is escaped wholly. A Phrase knows which part is ours.
Text = str | Phrase


@dataclass(frozen=True)
class Heading:
    """Level 1 is the title."""

    level: int
    text: Text


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: Text


@dataclass(frozen=True)
class Warnings:
    """What must not be overlooked."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Table:
    """Rows under a header; the first column names the row."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Printed:
    """Lines as they were printed, a column a lane, the same step beside each other."""

    lanes: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A vector graphic; `name` is unique within the report. On paper plots have one height, tall ones their own."""

    name: str
    svg: str
    caption: Text
    kind: Literal["plot", "tall", "screen"] = "plot"


Block = Heading | Paragraph | Warnings | Bullets | Table | Printed | Picture

"""The blocks of a report, independent of the output format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .lane_marks import LaneLabel
from .phrases import Phrase

# A str may come from a recording, so all of it is escaped. In a Phrase only the values are.
Text = str | Phrase
Cell = str | LaneLabel


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    text: Text


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: Text


@dataclass(frozen=True)
class Warnings:
    """Warnings in a highlighted box, one paragraph each."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class KeyPoints:
    """The sentences that a report opens with, in a highlighted list; `lanes`: those that they name."""

    items: tuple[Text, ...]
    lanes: tuple[LaneLabel, ...] = ()


@dataclass(frozen=True)
class Bullets:
    """A bulleted list."""

    items: tuple[Text, ...]


@dataclass(frozen=True)
class Table:
    """A table with a header; the first column names the row."""

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class TrainingLog:
    """The lines that training printed: one column per lane, one row per step."""

    lanes: tuple[LaneLabel, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """An SVG figure; `name` is unique within the report. In print a `plot` has a fixed height, a `tall` one its own."""

    name: str
    svg: str
    caption: Text
    kind: Literal["plot", "tall", "screen"] = "plot"


Block = Heading | Paragraph | Warnings | KeyPoints | Bullets | Table | TrainingLog | Picture

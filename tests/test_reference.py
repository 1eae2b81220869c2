"""The tables of docs/reference.md name the keys, charts and columns that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from clipwatch.core.runs.export import COLUMNS, DEAD
from clipwatch.tui.view.key import Key, keycaps
from clipwatch.tui.view.keys import KEYS
from clipwatch.tui.view.metrics import NAMES

REFERENCE = (Path(__file__).parents[1] / "docs" / "reference.md").read_text(encoding="utf-8")
# Left and right are `arrows` in the table.
ARROWS = ("pan_left", "pan_right")


def first_column(heading: str) -> set[str]:
    """The words in backquotes in the first column of the table with this heading."""
    (table,) = re.findall(rf"^\| {heading} \|.*\n((?:\|.*\n)+)", REFERENCE, re.MULTILINE)
    return {word for row in table.splitlines() for word in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


@pytest.mark.parametrize("key", [key for key in KEYS if key.id not in ARROWS], ids=lambda key: key.id)
def test_every_key_is_in_the_table(key: Key) -> None:
    assert first_column("key") & {cap.replace("^", "ctrl+") for cap in keycaps(key.keys).split()}


def test_the_table_has_no_other_keys() -> None:
    known = {cap.replace("^", "ctrl+") for key in KEYS for cap in keycaps(key.keys).split()}
    assert first_column("key") <= known


def test_every_chart_is_in_the_table() -> None:
    assert first_column("name") == set(NAMES)


def test_every_column_of_the_csv_file_is_in_the_table() -> None:
    assert set(COLUMNS) - set(DEAD[1:-1]) <= first_column("column")

"""Writes tables as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files.outputs import write_output
from ..safe_text import printable


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], path: Path) -> None:
    """Write rows as CSV. Control characters are escaped, as the text may go to a terminal."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([printable(value) if isinstance(value, str) else value for value in row])
    write_output(path, text.getvalue().encode())


def texts(values: NDArray[np.float32]) -> list[str]:
    """The shortest texts that read back as the same float32 numbers."""
    return list(map(str, values))

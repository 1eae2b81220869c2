"""Numbers of a run as named columns of equal length, as numpy arrays or as a frame of pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ClipwatchError


class Columns(Mapping[str, NDArray[Any]]):
    """Arrays by name: `columns["loss"]`. A value that was not measured is NaN."""

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def rows(self) -> int:
        """The length of every column."""
        return len(next(iter(self._columns.values()), ()))

    def to_frame(self) -> Any:
        """The columns as a `pandas.DataFrame`. Raises ClipwatchError if pandas is not installed."""
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise ClipwatchError("to_frame needs pandas: pip install pandas") from error
        return pandas.DataFrame(self._columns)

    def __repr__(self) -> str:
        return f"Columns({self.rows:,} rows: {', '.join(self)})"


def joined(lanes: Mapping[str, Columns]) -> Columns:
    """The rows of all lanes below each other, with the name of the lane as the first column."""
    names = dict.fromkeys(name for columns in lanes.values() for name in columns)
    of_lanes = np.repeat(np.array([*lanes], object), [columns.rows for columns in lanes.values()])
    missing = {lane: np.full(columns.rows, np.nan) for lane, columns in lanes.items()}
    found = {
        name: np.concatenate([columns.get(name, missing[lane]) for lane, columns in lanes.items()]) for name in names
    }
    return Columns({"lane": of_lanes, **found})

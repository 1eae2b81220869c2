"""The common style of all figures, and their export as SVG. The same numbers give the same bytes."""

from __future__ import annotations

import io
import logging
import math
import re
import warnings
from typing import TYPE_CHECKING, Any

from ..errors import ClipwatchError
from ..optional_packages import installation
from ..safe_text import printable
from .lane_marks import COLOURS, MARKERS, symbol_place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = ("-", "--", "-.", (0, (1, 1.2)), (0, (6, 1, 1, 1, 1, 1)), (0, (3, 3)))
# The upper end of an axis of shares: curves at 1 are seen whole.
TOP_OF_SHARES = 1.02
# A legend: characters of its longest label, inches of one row, and rows that fit without a taller figure.
_LABEL, _ROW, _ROWS_THAT_FIT = 40, 0.19, 4
_STYLE = {
    # Text stays text: screen readers can read it, readers can search it, and their fonts draw any script.
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
}


def drawing_style(name: str) -> Any:
    """A context with the common style. `name` makes the ids in the SVG unique within a page.

    Raises ClipwatchError if matplotlib is missing.
    """
    # Without a home folder, matplotlib logs where it keeps its cache instead.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib.style
    except ImportError as error:
        raise ClipwatchError(f"the report's figures need matplotlib: {installation('report')}") from error
    # Start from matplotlib's defaults, not from the user's matplotlibrc.
    return matplotlib.style.context(["default", {**_STYLE, "svg.hashsalt": name}])


def new_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one chart; width and height in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def new_grid(width: float, row: float, count: int) -> tuple[Figure, list[Axes]]:
    """A figure with `count` charts in two or three columns; `width` of the figure and height of a `row` in inches."""
    from matplotlib.figure import Figure

    columns = min(count, 2 if count <= 4 else 3)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(width, row * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def line_style(number: int) -> dict[str, Any]:
    """Colour and marker of line `number`, those of the screen, and a line style."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": _LINES[number % len(_LINES)],
        "marker": MARKERS[symbol_place(number)],
    }


def add_legend(axes: Axes, handles: list[Any], labels: list[str], most: int = 4) -> None:
    """Add a legend above the chart with at most `most` columns. Makes the figure taller if it has many rows."""
    columns = min(most, max(1, len(labels)))
    rows = math.ceil(len(labels) / columns)
    figure = axes.get_figure(root=True)
    assert figure
    # Without more height, many rows would leave no room for the chart.
    figure.set_figheight(figure.get_figheight() + _ROW * max(0, rows - _ROWS_THAT_FIT))
    shown = [label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…" for label in map(printable, labels)]
    axes.legend(handles, shown, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)


def as_svg(figure: Figure, name: str) -> str:
    """The `<svg>` element without the XML prologue. `name` prefixes its ids, so that they are unique within a page."""
    file = io.StringIO()
    with warnings.catch_warnings():
        # Matplotlib's font only serves to estimate widths; the reader's fonts draw the text.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=no_metadata)
    text = file.getvalue()
    text = text[text.index("<svg") :]
    # Change ids only inside tags: the text between tags may come from a recording.
    return re.sub(r"<[^>]*>", lambda tag: re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", tag[0]), text)

"""How all figures look, and as SVG: the same bytes for the same numbers; lines differ in colour, style and marker."""

from __future__ import annotations

import io
import logging
import math
import re
import warnings
from typing import TYPE_CHECKING, Any

from ..errors import ClipwatchError
from ..extras import installation
from ..text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by every common kind of colour vision; dark enough for paper.
_COLOURS = ("#0072b2", "#d55e00", "#00795a", "#a3467f", "#56748a", "#7a5c00")
_LINES = ("-", "--", "-.", (0, (1, 1.2)), (0, (6, 1, 1, 1, 1, 1)), (0, (3, 3)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
# The longest label of a legend; inches of one of its rows, and how many rows a figure has room for.
_LABEL, _ROW, _FEW_ROWS = 40, 0.19, 4
_STYLE = {
    # Text stays text: it can be read aloud, searched and set in whatever script the reader's fonts have.
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


def drawn_as(name: str) -> Any:
    """The style to draw in, as a context; the figure's name makes its own within a page."""
    # Without a home folder it logs at length where it keeps its cache instead.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib.style
    except ImportError as error:
        raise ClipwatchError(f"the report's figures need matplotlib: {installation('report')}") from error
    # Not the reader's own matplotlibrc, but what everyone has.
    return matplotlib.style.context(["default", {**_STYLE, "svg.hashsalt": name}])


def new_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of so many inches with one chart."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def new_grid(width: float, row: float, count: int) -> tuple[Figure, list[Axes]]:
    """A figure so many inches wide with `count` charts, up to three beside each other, in rows of so many inches."""
    from matplotlib.figure import Figure

    columns = min(count, 2 if count <= 4 else 3)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(width, row * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def line_look(number: int) -> dict[str, Any]:
    """Colour, line style and marker of one line among others."""
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "linestyle": _LINES[number % len(_LINES)],
        "marker": _MARKERS[number % len(_MARKERS)],
    }


def add_legend(axes: Axes, handles: list[Any], labels: list[str], most: int = 4) -> None:
    """Above the chart, where it hides nothing, in `most` columns at most."""
    columns = min(most, max(1, len(labels)))
    rows = math.ceil(len(labels) / columns)
    figure = axes.get_figure(root=True)
    assert figure
    # Many rows would leave the chart no height.
    figure.set_figheight(figure.get_figheight() + _ROW * max(0, rows - _FEW_ROWS))
    shown = [label if len(label) <= _LABEL else f"{label[: _LABEL - 1]}…" for label in map(printable, labels)]
    axes.legend(handles, shown, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)


def as_svg(figure: Figure, name: str) -> str:
    """The graphic alone, without the prologue of a file, and with names of its own within a page."""
    written = io.StringIO()
    with warnings.catch_warnings():
        # Only the widths are estimated from matplotlib's own font; the reader's fonts draw the text.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", metadata=nothing)
    text = written.getvalue()
    text = text[text.index("<svg") :]
    # In tags alone: what stands between them may come from a recording.
    return re.sub(r"<[^>]*>", lambda tag: re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", tag[0]), text)

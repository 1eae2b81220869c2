"""The report's figures as SVG: the same bytes for the same run; lanes differ in colour, line style and marker."""

from __future__ import annotations

import io
import math
import re
import warnings
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ClipwatchError
from .phrases import Words
from .story import LaneStory, RunStory

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by every common kind of colour vision; dark enough for paper.
_COLOURS = ("#0072b2", "#d55e00", "#00795a", "#a3467f", "#56748a", "#7a5c00")
_LINES = ("-", "--", "-.", (0, (1, 1.2)), (0, (6, 1, 1, 1, 1, 1)), (0, (3, 3)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
WINDOW = 5
_LN10 = math.log(10)
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


def loss_figure(run: RunStory, words: Words, name: str) -> str:
    """Validation loss of every lane over the steps."""
    with _drawing(name):
        figure, axes = _axes(6.6, 3.1)
        _guess(axes, _LN10, words.plain("chance_loss"), above=True)
        curves = [
            _curve(axes, number, lane, [event.loss for event in lane.evaluations])
            for number, lane in enumerate(run.lanes)
        ]
        _scale(axes, [event.loss for lane in run.lanes for event in lane.evaluations])
        _finish(axes, run, words, "loss", curves)
        return _svg(figure, name)


def accuracy_figure(run: RunStory, words: Words, name: str) -> str:
    """Validation accuracy of every lane over the steps, and at the end that on the whole set with its interval."""
    with _drawing(name):
        figure, axes = _axes(6.6, 3.1)
        _guess(axes, 0.1, words.plain("chance_accuracy"), above=False)
        curves = [
            _curve(axes, number, lane, [event.accuracy for event in lane.evaluations])
            for number, lane in enumerate(run.lanes)
        ]
        _finals(axes, run)
        axes.set_ylim(0, 1)
        _finish(axes, run, words, "accuracy", curves)
        return _svg(figure, name)


def overview_figure(runs: Sequence[RunStory], words: Words, name: str) -> str:
    """The final accuracy of every run and lane with its interval, a row a run."""
    with _drawing(name):
        figure, axes = _axes(6.6, 1.1 + 0.32 * len(runs))
        seen: dict[str, Any] = {}
        for row, run in enumerate(runs):
            for number, lane in enumerate(run.lanes):
                _interval(axes, lane, number, row + _aside(number, len(run.lanes), 0.3), seen)
        labels = [words.plain("run_label", number=n, seed=run.config.seed) for n, run in enumerate(runs, 1)]
        axes.set_yticks(range(len(runs)), labels)
        axes.set_ylim(len(runs) - 0.5, -0.5)
        axes.set_xlabel(words.plain("accuracy"))
        _legend(axes, list(seen.values()), list(seen))
        return _svg(figure, name)


def _drawing(name: str) -> Any:
    try:
        import matplotlib.style
    except ImportError as error:
        raise ClipwatchError('the report\'s figures need matplotlib: pip install "clipwatch[report]"') from error
    # Not the reader's own matplotlibrc, but what everyone has.
    return matplotlib.style.context(["default", {**_STYLE, "svg.hashsalt": name}])


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _look(number: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "linestyle": _LINES[number % len(_LINES)],
        "marker": _MARKERS[number % len(_MARKERS)],
    }


def _curve(axes: Axes, number: int, lane: LaneStory, values: list[float]) -> Any:
    steps, look = [event.step for event in lane.evaluations], _look(number)
    axes.plot(steps, _drawable(values), color=look["color"], linewidth=0.7, alpha=0.4)
    sparse = max(1, len(steps) // 10)
    # Each lane's markers begin elsewhere, so that lanes that coincide are both seen.
    every = (number * sparse // 2 % sparse, sparse)
    (curve,) = axes.plot(steps, _smoothed(lane, values), **look, linewidth=1.7, markersize=4.5, markevery=every)
    return curve


def _drawable(values: list[float]) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values]


def _smoothed(lane: LaneStory, values: list[float]) -> list[float]:
    """Means over the evaluations around each, fewer at the ends and at a change of rule; NaN where one is no number."""
    parts = [bisect_right(lane.changed_at, event.step) for event in lane.evaluations]
    reach = WINDOW // 2
    means: list[float] = []
    for i, part in enumerate(parts):
        near = range(max(0, i - reach), min(len(values), i + reach + 1))
        window = [values[j] for j in near if parts[j] == part]
        means.append(sum(window) / len(window))
    return _drawable(means)


def _guess(axes: Axes, level: float, label: str, *, above: bool) -> None:
    axes.axhline(level, color="#666666", linewidth=0.8, linestyle=":")
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    aside, valign = (2, "bottom") if above else (-2, "top")
    axes.annotate(label, (0.9, level), (0, aside), **place, ha="right", va=valign, fontsize=7.5, color="#555555")


def _finals(axes: Axes, run: RunStory) -> None:
    span = max((lane.final.step for lane in run.lanes if lane.final), default=0)
    for number, lane in enumerate(run.lanes):
        if lane.final:
            _interval(axes, lane, number, lane.final.step + span * (0.015 + 0.018 * number), {}, upright=True)


def _interval(
    axes: Axes, lane: LaneStory, number: int, place: float, seen: dict[str, Any], *, upright: bool = False
) -> None:
    if lane.final is None:
        return
    final, look = lane.final, _look(number)
    reach = [[final.accuracy - final.low], [final.high - final.accuracy]]
    point = ([place], [final.accuracy]) if upright else ([final.accuracy], [place])
    up, across = (reach, None) if upright else (None, reach)
    bar = axes.errorbar(*point, up, across, fmt=look["marker"], color=look["color"], markersize=3.4, capsize=3.5)
    seen.setdefault(lane.name, bar)


def _aside(number: int, count: int, width: float) -> float:
    return width * (number / (count - 1) - 0.5) if count > 1 else 0.0


def _scale(axes: Axes, losses: list[float]) -> None:
    """From 0 on, or logarithmic where a lane ran away and a linear scale would show that alone."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if finite and min(finite) > 0 and max(finite) > 5 * _LN10:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    else:
        axes.set_ylim(bottom=0)


def _finish(axes: Axes, run: RunStory, words: Words, what: str, curves: list[Any]) -> None:
    for step in sorted({event.step for event in run.interventions}):
        axes.axvline(step, color="#333333", linewidth=0.8, linestyle=(0, (5, 3)))
    axes.set_xlabel(words.plain("step"))
    label = words.plain(what)
    axes.set_ylabel(words.plain("logarithmic", what=label) if axes.get_yscale() == "log" else label)
    _legend(axes, curves, [lane.name for lane in run.lanes])


def _legend(axes: Axes, handles: list[Any], labels: list[str]) -> None:
    columns = min(4, max(1, len(labels)))
    axes.legend(handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2)


def _svg(figure: Figure, name: str) -> str:
    """The graphic alone, without the prologue of a file, and with names of its own within a page."""
    written = io.StringIO()
    with warnings.catch_warnings():
        # Only the widths are estimated from matplotlib's own font; the reader's fonts draw the text.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", metadata=nothing)
    text = written.getvalue()
    text = text[text.index("<svg") :]
    return re.sub(r'(\bid="|href="#|url\(#)', rf"\1{name}-", text)

"""What the screen knows of a sweep, from events alone, and how it is drawn: a pure function of that and a size."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.events import Event, Notice, RecordingStarted, StageStarted
from ...core.sweeps.comparisons import Comparison, Summary, p_words
from ...core.sweeps.results import ReplicaFinished, Results, SweepFinished, SweepStarted
from ..bars import Part, bar
from ..charts.chart import ChartLane, ChartSpec, render_chart
from ..charts.curve import Curve
from ..look import Look
from .plots import Axis, dots, ruler, whisker
from .progress import Progress, duration

_WIDE = 120
_LABEL = 26


@dataclass
class SweepView:
    """Folds events."""

    results: Results | None = None
    progress: Progress = field(default_factory=lambda: Progress(0))
    finished: SweepFinished | None = None
    folder: str = ""
    message: str = "starting"
    alert: bool = False

    def fold(self, event: Event) -> None:
        """One more event."""
        match event:
            case StageStarted() if self.results:
                self.progress.begin()
            case StageStarted(stage=stage):
                self.message = stage
            case SweepStarted(config=config):
                self.results, self.progress = Results(started=event, replicas={}), Progress(config.replicas)
                self.message = "the first results come in a few seconds; q stops and keeps what is done"
            case RecordingStarted(folder=folder):
                self.folder = folder
            case ReplicaFinished() if self.results:
                self.results.replicas.setdefault(event.key, event)
                self.progress.count()
            case Notice(text=text, level=level):
                self.message, self.alert = text, level == "warning"
            case SweepFinished():
                self.finished = event
                self.message = f"{event.reason} in {duration(event.seconds)}; q leaves, and prints the tables"
            case _:
                pass


def title(view: SweepView, width: int, look: Look) -> Strip:
    """What is trained and how far it is."""
    if view.results is None:
        return bar([Part("clipwatch sweep", look.strong), Part(f"{view.message} ...", look.text)], [], width, look)
    config, progress = view.results.started.config, view.progress
    left = progress.left
    state = view.finished.reason if view.finished else f"{duration(left)} left" if left is not None else "training"
    room = max(6, min(40, width // 4))
    share = progress.done / max(1, progress.total)
    full, empty = ("#", ".") if look.ascii else ("━", "─")
    filled = round(room * share)
    return bar(
        [
            Part("clipwatch sweep", look.strong, 4),
            Part(view.results.started.dataset.name, look.strong, 2),
            Part(f"{len(config.settings)} settings", look.text, 3),
            Part(f"{progress.done:,} / {progress.total:,}", look.text, 1),
            Part(full * filled + empty * (room - filled), look.lane(0)),
            Part(state, look.strong, 1),
        ],
        [],
        width,
        look,
    )


def body(
    view: SweepView, summaries: Sequence[Summary], compared: Sequence[Comparison], size: tuple[int, int], look: Look
) -> list[Strip]:
    """Distributions, curves where there is room, differences and sentences, in `size` (width, height) cells."""
    width, height = size
    style = look.palette.style(look.palette.foreground)
    if view.results is None or not summaries:
        return [Strip([Segment("", style)])]
    words = _sentences(compared, width, look)
    wide = width >= _WIDE
    left = width - width * 2 // 5 - 1 if wide else width
    plots = [*_distributions(view.results, summaries, left, look), *_differences(compared, left, look)]
    room = max(4, height - min(len(words), max(3, height // 4)) - 1)
    plots = plots[:room]
    if wide:
        chart = render_chart(_chart(view.results, width - left - 1, max(5, room), look))
        gap = Strip([Segment(" ", style)])
        blank = Strip.blank(left, style)
        plots += [blank] * (room - len(plots))
        plots = [
            Strip.join([one.adjust_cell_length(left, style), gap, other])
            for one, other in zip(plots, chart, strict=False)
        ]
    return [*plots, Strip.blank(width, style), *words][:height]


def _heading(text: str, width: int, look: Look) -> Strip:
    return Strip([Segment(f" {text}", look.palette.style(look.palette.foreground, bold=True))]).adjust_cell_length(
        width, look.palette.style(look.palette.foreground)
    )


def _distributions(results: Results, summaries: Sequence[Summary], width: int, look: Look) -> list[Strip]:
    """A line a setting: every seed's final accuracy, the median, and dead classes."""
    figures = 30 if width >= 90 else 14
    axis = Axis(0.0, 1.0, max(10, width - _LABEL - figures - 3))
    muted = look.palette.style(look.palette.muted)
    lines = [_heading("final accuracy of every seed", width, look)]
    for summary in summaries:
        number = summary.setting.number
        colour = look.palette.style(look.lane_colour(number))
        median, low, high = summary.range
        text = f"{median:.3f} ({low:.2f}-{high:.2f})" if width >= 90 else f"{median:.3f}"
        if summary.setting.config.head == "relu":
            text += f" {summary.mean_dead:.1f} dead"
        lines.append(_row(summary.setting.name, colour, dots(summary.accuracies, axis, look, colour), text, muted))
    lines.append(_row("", muted, ruler(axis, look, muted, 1), "median, range" if width >= 90 else "median", muted))
    return lines


def _differences(compared: Sequence[Comparison], width: int, look: Look) -> list[Strip]:
    """Two lines a comparison: every paired difference, and the mean with its interval."""
    if not compared:
        return []
    figures = 30 if width >= 90 else 14
    reach = max(1.0, *(abs(value) for comparison in compared for value in comparison.accuracy.differences))
    axis = Axis(-reach, reach, max(10, width - _LABEL - figures - 3))
    style, muted = look.palette.style(look.palette.foreground), look.palette.style(look.palette.muted)
    lines = [_heading("paired differences in points of accuracy, and 95 % of their mean", width, look)]
    for comparison in compared:
        found = comparison.accuracy
        colour = look.palette.style(look.lane_colour(comparison.other.number))
        low, high = found.interval
        bold = look.palette.style(look.lane_colour(comparison.other.number), bold=True)
        names = textwrap.wrap(comparison.name, _LABEL - 1, max_lines=2, placeholder=" ...")
        first, second = (*names, "")[:2]
        p = "exploratory" if found.exploratory else f"p {p_words(comparison.accuracy_p)}"
        interval = f"{found.mean:+.1f} ({low:+.1f} to {high:+.1f})" if width >= 90 else f"{found.mean:+.1f}"
        lines.append(_row(first, style, dots(found.differences, axis, look, colour), p, muted))
        lines.append(_row(second, style, whisker(low, found.mean, high, axis, look, bold), interval, style))
    lines.append(_row("", muted, ruler(axis, look, muted, 0), "mean (95 %)" if width >= 90 else "mean", muted))
    return lines


def _row(label: str, style: Style, plot: Strip, text: str, muted: Style) -> Strip:
    return Strip.join(
        [
            Strip([Segment(" " + set_cell_size(label, _LABEL - 1) + " ", style)]),
            plot,
            Strip([Segment(" " + text, muted)]),
        ]
    )


def _sentences(compared: Sequence[Comparison], width: int, look: Look) -> list[Strip]:
    plain = look.palette.style(look.palette.foreground)
    lines = []
    for comparison in compared:
        style = plain + Style(bold=comparison.measurable)
        for line in textwrap.wrap(comparison.sentence, max(20, width - 2), subsequent_indent="  "):
            lines.append(Strip([Segment(f" {line}", style)]))
    return lines


def _chart(results: Results, width: int, height: int, look: Look) -> ChartSpec:
    """Validation accuracy over the steps, each setting's quartiles as the faint band about its middle."""
    settings = results.started.config.settings
    lanes = tuple(
        ChartLane(setting.name, look.lane_colour(setting.number), _band(results, setting.number))
        for setting in settings
    )
    last = max((setting.config.iterations for setting in settings), default=1)
    return ChartSpec(
        title="accuracy in training, quartiles",
        width=width,
        height=height,
        lanes=lanes,
        first=0,
        last=last,
        bounds=(0, 1),
        smoothing=0.5,
        palette=look.palette,
        ascii=look.ascii,
    )


def _band(results: Results, setting: int) -> Curve:
    """The quartiles at each step and between, so close that the chart's columns show a band with its middle."""
    by_step: dict[int, list[float]] = {}
    for replica in results.of(setting).values():
        for step, _, accuracy in replica.curve:
            by_step.setdefault(step, []).append(accuracy)
    curve = Curve()
    if not by_step:
        return curve
    steps = np.array(sorted(by_step))
    quartiles = np.array([np.quantile(by_step[step], (0.25, 0.75, 0.5)) for step in steps.tolist()])
    for place, step in enumerate(range(int(steps[0]), int(steps[-1]) + 1, max(1, int(steps[-1]) // 600))):
        curve.append(step, float(np.interp(step, steps, quartiles[:, place % 3])))
    return curve

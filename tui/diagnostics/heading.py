"""The third line of a lane's heading: share clipped, cosine between raw and clipped gradient, and what gauges show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.segment import Segment
from textual.strip import Strip

from ...core.stream.builtin_experiments import LENET
from ...core.stream.experiment_info import ExperimentInfo
from ...core.stream.lane_state import LaneState
from ..style.theme import Theme
from ..text.lane_figures import CLASSES, clipped_share, cosine, dead_outputs, recent_steps
from ..text.metric_words import gauge_value
from ..text.number_format import UNDEFINED, decimal, share


@dataclass(frozen=True)
class _Form:
    """A layout of the line: labels, cells of the percentage, blanks between figures, text between outputs.

    `window`: whether a share of steps says which steps they are.
    """

    clipped: str
    outputs: str
    share_cells: int
    gap: int
    between: str
    window: bool = False


# From the widest to the narrowest.
_FORMS = (
    _Form("{} clipped", "outputs ", share_cells=6, gap=3, between=" ", window=True),
    _Form("{} clipped", "outputs ", share_cells=6, gap=3, between=" "),
    _Form("{} clipped", "", share_cells=6, gap=2, between=" "),
    _Form("clip", "", share_cells=5, gap=1, between=" "),
    _Form("clip", "", share_cells=4, gap=1, between=""),
)


def effect_line(
    number: int, lane: LaneState, width: int, theme: Theme, experiment: ExperimentInfo = LENET.info
) -> Strip:
    """The last measurement in exactly `width` cells, in the widest form that fits; outputs are all shown or none."""
    if experiment.gauge("dead-outputs"):
        strips = [Strip([*_figures(lane, form, theme), *_outputs(number, lane, form, theme)]) for form in _FORMS]
    else:
        # The last gauges are left out first.
        counts = range(len(experiment.gauges), -1, -1)
        strips = [
            Strip([*_figures(lane, form, theme), *_gauges(lane, experiment, count, form, theme)])
            for count in counts
            for form in _FORMS[:4]
        ]
    fitting = next((strip for strip in strips if strip.cell_length <= width), None)
    return (fitting or Strip(list(_figures(lane, _FORMS[-1], theme)))).adjust_cell_length(width, theme.text)


def output_cells(number: int, dead: frozenset[int] | None, between: str, theme: Theme) -> Iterator[Segment]:
    """A cell per class: its number, or a dot if the output is dead."""
    if dead is None:
        # As wide as the cells, so that the layout stays the same after the first measurement.
        yield Segment(theme.printable(UNDEFINED).ljust(CLASSES + len(between) * (CLASSES - 1)), theme.muted)
        return
    dot = "." if theme.ascii else "·"
    for output in range(CLASSES):
        style = theme.text if output in dead else theme.lane(number, bold=True)
        yield Segment((between if output else "") + (dot if output in dead else str(output)), style)


def _figures(lane: LaneState, form: _Form, theme: Theme) -> Iterator[Segment]:
    what, value = clipped_share(lane)
    if form.window and what == "steps" and lane.diagnosed:
        recent = recent_steps(lane, lane.diagnosed)
        what = f"last {recent} steps" if recent > 1 else what
    yield Segment(" ", theme.text)
    yield Segment(form.clipped.format(what), theme.muted)
    # A fixed width keeps the layout stable.
    percentage = share(value).replace(" ", "") if form.share_cells < 6 else share(value)
    yield Segment(theme.printable(percentage).rjust(form.share_cells), theme.text)
    yield Segment(" " * form.gap, theme.text)
    yield Segment("cos ", theme.muted)
    yield Segment(theme.printable(decimal(cosine(lane))).rjust(4), theme.text)


def _outputs(number: int, lane: LaneState, form: _Form, theme: Theme) -> Iterator[Segment]:
    yield Segment(" " * form.gap, theme.text)
    yield Segment(form.outputs, theme.muted)
    yield from output_cells(number, dead_outputs(lane), form.between, theme)


def _gauges(lane: LaneState, experiment: ExperimentInfo, count: int, form: _Form, theme: Theme) -> Iterator[Segment]:
    """The first `count` gauges with their values, of a fixed width too."""
    measured = lane.diagnosed.gauge if lane.diagnosed else {}
    for gauge in experiment.gauges[:count]:
        value = theme.printable(gauge_value(gauge, measured.get(gauge.name)))
        yield Segment(" " * form.gap, theme.text)
        # Where room is scarce, the name of its series, if that is shorter than its title.
        names = (gauge.words, gauge.name) if form.gap == 1 else (gauge.words,)
        yield Segment(f"{theme.printable(min(names, key=len))} ", theme.muted)
        yield Segment(value.rjust(5), theme.text)

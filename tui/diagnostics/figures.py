"""The figures of a lane's page below its table: steps clipped, update, distances, and what gauges show."""

from __future__ import annotations

from collections.abc import Iterator

from textual.strip import Strip

from ...core.stream.events import OutputDied
from ...core.stream.state import RunState
from ..text.lane_figures import dead_outputs, recent_share
from ..text.lane_names import lane_name
from ..text.metric_words import gauge_value
from ..text.number_format import decimal, share, size
from .heading import output_cells
from .lane_page import Figure, LanePage

MAX_CHANGES = 12
_TREND = 7


def figures(page: LanePage, state: RunState) -> Iterator[Strip]:
    """Figures with their histories: how much is clipped, what the update is, how far the lanes are apart."""
    measured, total = page.last, page.total
    shown = [
        Figure("steps clipped", share(recent_share(page.lane, measured)), page.of("steps-clipped")),
        _of_all_steps(page),
        Figure("|step|/lr", _step_size(total.step_size), page.of("step-size")),
        Figure("sign cos", decimal(total.sign_cosine, 3), page.of("sign-cosine")),
        Figure(
            "counterfactual cos" if page.wide else "counterf. cos",
            decimal(total.shadow_cosine, 3),
            page.of("counterfactual-cosine"),
        ),
        Figure("difference", share(total.shadow_distance), page.of("counterfactual-distance")),
        *_distances(page, state),
    ]
    if nonfinite := measured.nan + measured.infinite:
        shown.append(Figure("NaN, Inf so far", f"{nonfinite:,}"))
    yield from page.grid(shown)


def _of_all_steps(page: LanePage) -> Figure:
    """The share of all steps clipped; of a fork, whose measurements count on from its parent's, of its own steps."""
    if page.lane.parent is None:
        return Figure("of all steps", share(page.last.engaged))
    return Figure("of own steps", share(page.lane.own_share_clipped))


def _step_size(value: float | None) -> str:
    """Near 1 with Adam; with SGD as small as the gradient."""
    return size(value, 2) if value is not None and 0 < value < 0.01 else decimal(value)


def _distances(page: LanePage, state: RunState) -> Iterator[Figure]:
    """Two figures for each lane that this one is compared with. Every lane is compared with the first."""
    for other in state.lanes:
        for pair in ((page.lane.name, other), (other, page.lane.name)):
            if found := state.compared.get(pair):
                distances, disagreements = (page.history(pair[1], metric) for metric in ("distance", "disagreement"))
                name = lane_name(other)
                labels = f"L2 distance to {name}", "predictions differ"
                if not page.wide:
                    labels = f"L2 to {name}", f"differ from {name}"
                yield Figure(labels[0], size(found.distance), distances)
                yield Figure(labels[1], share(found.disagreement), disagreements)


def gauges(page: LanePage, state: RunState) -> Iterator[Strip]:
    """What the experiment's gauges show: LeNet's outputs, or figures with their histories."""
    if state.experiment.gauge("dead-outputs"):
        yield from _outputs(page)
        return
    found = page.last.gauge
    shown = [gauge for gauge in state.experiment.gauges if gauge.name in found]
    yield from page.grid([Figure(one.words, gauge_value(one, found[one.name]), page.of(one.name)) for one in shown])


def _outputs(page: LanePage) -> Iterator[Strip]:
    """The outputs, which of them are dead and since when, and the dead units of the hidden layers."""
    measured = page.last
    cells = [*page.line(("outputs ", page.muted)).crop(0, 9)]
    cells += output_cells(page.number, dead_outputs(page.lane), " ", page.theme)
    label = "images in a dead class" if page.wide else "in a dead class"
    rest = page.line(
        (page.trend(page.of("dead-outputs"), _TREND), page.curve),
        (f" {label} ", page.muted),
        (share(measured.dead_share), page.text),
    )
    yield Strip([*cells, *rest]).adjust_cell_length(page.width, page.text)
    units = " ".join(f"{name} {count}" for name, count in measured.dead.items() if name != "outputs")
    trend = page.trend(page.of("dead-units"), _TREND)
    yield page.line(("dead units ", page.muted), (f"{units} ", page.text), (trend, page.curve))
    yield from page.sentence([("died †, recovered ↑ ", _changes(page))])


def _changes(page: LanePage) -> str:
    """The newest outputs that died or recovered, each with its step, as many as fit."""
    words = ""
    for change in reversed(page.lane.outputs_changed[-MAX_CHANGES:]):
        sign = "†" if isinstance(change, OutputDied) else "↑"
        more = f"{sign}{change.output} at {change.step:,}"
        if len(words) + len(more) > page.width - 26:
            break
        words = f"{words}  {more}" if words else more
    return words or "none"

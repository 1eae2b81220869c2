"""What a chart can show: every series of a run, in the order of interest, with its scale, unit and bounds."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from measured import MEASURE, diagnosed

from clipwatch.core.stream.builtin_experiments import LENET
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    DatasetInfo,
    Evaluated,
    Event,
    HistogramsEarlier,
    LanesCompared,
    LaneStarted,
    RunStarted,
    SeriesEarlier,
    StepsTrained,
)
from clipwatch.core.stream.measures import BINS
from clipwatch.core.stream.rules import parse_rule
from clipwatch.tui.charts.chart_spec import Level
from clipwatch.tui.charts.heat_map_spec import Bound
from clipwatch.tui.style.chart_styles import Palette
from clipwatch.tui.style.theme import Theme
from clipwatch.tui.view.chart_specs import ChartSettings, chart_spec, draw_metric, heat_map_spec, with_log_toggled
from clipwatch.tui.view.grid_pages import GridPages, recorded_metrics
from clipwatch.tui.view.metrics import HISTOGRAM, NAMES, by_interest, metric, metrics_of
from clipwatch.tui.view.run_view import RunView

THEME = Theme(Palette(), panel="#000000")
SIZE = (80, 20)
CONFIG = RunConfig(settings={"dataset": "digits"}, lanes=(LaneConfig("a", "none"), LaneConfig("b", "norm:5")))
DIGITS = DatasetInfo(name="digits", origin="embedded", training=1347, validation=450, checksum="0")


def float32(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def steps(lane: str, last: int, norms: tuple[float, ...], clipped: bytes) -> StepsTrained:
    part = float32(*norms)
    return StepsTrained(lane=lane, step=last, losses=part, norms=part, clipped_norms=part, clipped=clipped)


def evaluated(lane: str, step: int, loss: float = 2.0, accuracy: float = 0.5) -> Evaluated:
    return Evaluated(lane=lane, step=step, loss=loss, accuracy=accuracy, train_loss=loss, seconds=0.1 * step)


def seen(*events: Event, config: RunConfig = CONFIG) -> RunView:
    view = RunView()
    view.fold(RunStarted(config=config, dataset=DIGITS, device="cpu", versions={}, time=0.0))
    for lane in config.lanes:
        view.fold(LaneStarted(lane=lane.name, step=0, rule=lane.rule, iterations=1000, parameters=9, seconds=0.0))
    for event in events:
        view.fold(event)
    return view


def points(view: RunView, lane: str, series: str) -> dict[int, float]:
    curve = view.lanes[lane].series[series]
    return {step: curve.nearest(step)[1] for step in range(60) if curve.nearest(step)[0] == step}  # type: ignore[index]


# Series


def test_every_event_with_numbers_adds_to_its_series() -> None:
    view = seen(
        steps("b", 0, (8.0,), b"\1"),
        evaluated("b", 0, 2.5, 0.25),
        diagnosed("b", 0, dead=(2, 8)),
        LanesCompared(step=0, lanes=("a", "b"), distance=1.5, disagreement=0.25),
        # A pause divides the log of the steps up to the next evaluation.
        steps("b", 1, (7.0,), b"\1"),
        steps("b", 2, (6.0,), b"\0"),
        evaluated("b", 2),
    )
    assert points(view, "b", "grad-norm") == {0: 8.0, 1: 7.0, 2: 6.0}
    assert points(view, "b", "steps-clipped") == {0: 1.0, 2: 0.5}
    assert points(view, "b", "loss") == {0: 2.5, 2: 2.0}
    assert points(view, "b", "accuracy") == {0: 0.25, 2: 0.5}
    assert points(view, "b", "clipped") == {0: pytest.approx(MEASURE.clipped_share)}
    assert points(view, "b", "dead-outputs") == {0: 2.0}
    assert points(view, "b", "distance") == {0: 1.5}
    assert view.lanes["b"].histograms.steps.tolist() == [0]
    assert view.last_step == 2


def test_steps_that_are_known_are_not_added_again() -> None:
    view = seen(steps("a", 3, (1.0, 2.0, 3.0, 4.0), bytes(4)), steps("a", 5, (9.0, 9.0, 9.0, 5.0, 6.0), bytes(5)))
    assert points(view, "a", "grad-norm") == {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0, 4: 5.0, 5: 6.0}


def test_values_that_a_seek_sends_at_once_make_the_same_curves() -> None:
    counts = np.arange(2 * (1 + BINS), dtype="<u4")
    view = seen(
        SeriesEarlier(lane="a", step=0, series="cosine", stride=50, values=float32(0.5, 0.25)),
        HistogramsEarlier(lane="a", step=0, stride=50, counts=counts.tobytes()),
        diagnosed("a", 50),
        diagnosed("a", 100),
    )
    curve = view.lanes["a"].series["cosine"]
    assert len(curve) == 3
    assert curve.nearest(50) == (50, 0.25)
    histograms = view.lanes["a"].histograms
    assert histograms.steps.tolist() == [0, 50, 100]
    assert histograms.zeros.tolist() == [0, 1 + BINS, MEASURE.histogram.zero]
    assert histograms.counts[0].tolist() == list(range(1, 1 + BINS))


# Metrics

METRICS = metrics_of(LENET.info)


def test_every_metric_has_a_title_and_a_name_of_its_own() -> None:
    assert len({one.name for one in METRICS}) == len(METRICS) == len({one.title for one in METRICS})
    assert metric("loss").heading(CONFIG) == "validation loss, 100 images"
    assert metric("loss").heading(None) == "validation loss"


def test_a_series_that_is_not_known_is_shown_under_its_own_name() -> None:
    assert metric("perplexity").heading(CONFIG) == "perplexity"


@pytest.mark.parametrize(("size", "decimals"), [(100, 2), (1000, 3), (30, 2), (5000, 4)])
def test_accuracy_has_the_digits_that_the_images_carry(size: int, decimals: int) -> None:
    assert metric("accuracy").decimals(msgspec.structs.replace(CONFIG, eval_size=size)) == decimals


@pytest.mark.parametrize(
    ("rule", "third", "last"),
    [("value:0.001", "clipped", "steps-clipped"), ("norm:1", HISTOGRAM, "sign-cosine"), ("none", HISTOGRAM, "cosine")],
)
def test_what_a_rule_makes_interesting_comes_first(rule: str, third: str, last: str) -> None:
    names = [one.name for one in by_interest([parse_rule("none"), parse_rule(rule)])]
    assert names[:4] == ["loss", "accuracy", "grad-norm", third]
    assert last in names[-5:]
    assert sorted(names) == sorted(one.name for one in METRICS)


# Charts of them


def test_a_norm_bound_is_a_level_while_it_holds() -> None:
    view = seen(ClipChanged(lane="b", step=300, rule="norm:2", previous="norm:5"))
    levels = chart_spec(metric("grad-norm"), view, ChartSettings(), THEME, SIZE).levels
    assert levels == (Level(5.0, 1, "norm:5", 0, 299), Level(2.0, 1, "norm:2", 300, None))
    assert not chart_spec(metric("loss"), view, ChartSettings(), THEME, SIZE).levels


def test_the_heat_map_has_the_bounds_of_value_rules_while_they_hold() -> None:
    view = seen(
        diagnosed("b", 0),
        ClipChanged(lane="b", step=300, rule="value:0.001", previous="norm:5"),
        ClipChanged(lane="b", step=400, rule="none", previous="value:0.001"),
    )
    lane = heat_map_spec(metric(HISTOGRAM), view, ChartSettings(), THEME, SIZE).lanes[1]
    assert lane.bounds == (Bound(0), Bound(300, -0.001, 0.001), Bound(400))
    assert lane.steps.tolist() == [0]


def test_norms_are_on_a_logarithmic_scale_by_default_and_shares_never() -> None:
    shown = [metric("loss"), metric("accuracy"), metric("grad-norm")]
    defaults = ChartSettings()
    assert [defaults.is_log(one) for one in shown] == [False, False, True]
    all_log = with_log_toggled(defaults, shown)
    assert [all_log.is_log(one) for one in shown] == [True, False, True]
    linear = with_log_toggled(all_log, shown)
    assert [linear.is_log(one) for one in shown] == [False, False, False]


@pytest.mark.parametrize("diagnostics", [True, False])
def test_a_series_that_was_not_recorded_says_so(diagnostics: bool) -> None:
    config = msgspec.structs.replace(CONFIG, diagnostics=diagnostics)
    view = seen(evaluated("a", 0), evaluated("a", 10), config=config)
    text = drawn("grad-norm", view)
    assert "not recorded" in text
    assert ("diagnostics are off" in text) is not diagnostics
    assert "not recorded" not in drawn("loss", view)
    assert "not recorded" not in drawn("grad-norm", seen())


def drawn(name: str, view: RunView) -> str:
    from clipwatch.tui.charts.plotting import Plot

    strips = draw_metric(metric(name), view, ChartSettings(), THEME, SIZE, Plot())
    assert [strip.cell_length for strip in strips] == [SIZE[0]] * SIZE[1]
    return "\n".join(strip.text for strip in strips)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_can_be_drawn_of_a_run_with_and_without_values(name: str) -> None:
    measured = [event for step in (0, 50) for lane in "ab" for event in (evaluated(lane, step), diagnosed(lane, step))]
    for view in (RunView(), seen(), seen(*measured, steps("b", 50, (3.0, float("nan")), b"\1\1"))):
        drawn(name, view)


def test_a_heat_map_of_a_run_without_histograms_says_that_they_were_not_recorded() -> None:
    assert "log10 |g|: not recorded in this run" in drawn(HISTOGRAM, seen(evaluated("a", 0), evaluated("a", 10)))


@pytest.mark.parametrize("name", NAMES)
def test_titles_are_readable_in_ascii(name: str) -> None:
    view = seen(evaluated("a", 0))
    settings, size = ChartSettings(), (120, 20)
    theme = replace(THEME, ascii=True)
    spec_of = heat_map_spec if name == HISTOGRAM else chart_spec
    assert spec_of(metric(name), view, settings, theme, size).title.isascii()


# The grid


def test_the_grid_has_what_was_recorded_and_filters_by_name_and_title() -> None:
    view = seen(evaluated("a", 0), SeriesEarlier(lane="a", step=0, series="perplexity", stride=1, values=float32(9.0)))
    assert [one.name for one in recorded_metrics(view)] == ["loss", "accuracy", "perplexity"]
    assert [one.name for one in recorded_metrics(view, "LOSS")] == ["loss"]
    assert [one.name for one in recorded_metrics(view, "perp")] == ["perplexity"]
    assert recorded_metrics(view, "nothing") == []


def test_pages_hold_as_many_charts_as_fit_and_the_selected_one_is_on_the_page() -> None:
    pages = GridPages().of(list(METRICS)).fitted(120, 30)
    assert (pages.across, pages.down, pages.pages) == (3, 3, 2)
    assert pages.on_page == METRICS[:9]
    later = pages.moved(pages.page_size)
    assert later.page == 1
    assert later.chosen in later.on_page
    assert later.moved(1000).chosen == METRICS[-1]
    assert later.moved(-1000).chosen == METRICS[0]


def test_the_selected_chart_stays_selected_while_the_filter_leaves_it() -> None:
    pages = GridPages().of(list(METRICS)).moved(3)
    chosen = METRICS[3]
    assert pages.of([chosen, METRICS[0]]).chosen == chosen
    assert pages.of([METRICS[0]]).chosen == METRICS[0]
    assert pages.of([]).chosen is None
    assert pages.of([]).on_page == ()


def test_the_axis_ends_with_a_tick_only_where_a_step_is() -> None:
    def last_label(view: RunView) -> str:
        rows = [row for row in drawn("loss", view).splitlines() if row.startswith("step")]
        return rows[-1].split()[-1]

    under_way = seen(*(evaluated(lane, step) for step in range(0, 780, 10) for lane in "ab"))
    assert last_label(under_way) == "800"
    ended = [evaluated(lane, 999) for lane in "ab"]
    assert last_label(seen(*(evaluated(lane, step) for step in range(0, 990, 10) for lane in "ab"), *ended)) == "999"


def test_values_at_measurements_are_drawn_as_they_are() -> None:
    view = seen(*(diagnosed("b", step, dead=()) for step in range(0, 500, 50)))
    assert chart_spec(metric("clipped"), view, ChartSettings(), THEME, SIZE).smoothing == 0
    assert chart_spec(metric("grad-norm"), view, ChartSettings(), THEME, SIZE).smoothing == 0.9
    assert chart_spec(metric("loss"), view, ChartSettings(), THEME, SIZE).smoothing == 0.6

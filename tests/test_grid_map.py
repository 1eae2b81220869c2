"""The map of a sweep over two axes: which values work, what clipping does to their range, and how that is drawn."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import msgspec
import pytest
from rich.console import Console
from test_reports_of_experiments import ORDER, ORDER_DATA, OWN, OWN_CONFIG, own_values, replicas, results, sweep_text
from test_sweep_screen import shown, text, theme
from textual.color import Color

from clipwatch.core.reports.map_figure import map_figure
from clipwatch.core.reports.map_words import map_sentences
from clipwatch.core.reports.phrases import Words
from clipwatch.core.statistics.intervals import median_interval
from clipwatch.core.stream.builtin_experiments import TEMPORAL_ORDER
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, Results, diverged
from clipwatch.core.sweeps.comparisons import summaries
from clipwatch.core.sweeps.grid_map import GridMap, grid_map
from clipwatch.tui.style.contrast import LEAST_CONTRAST, contrast
from clipwatch.tui.style.theme import DARK, LIGHT, theme_of
from clipwatch.tui.sweep.map_section import map_section
from clipwatch.tui.sweep.reading import terms
from clipwatch.tui.sweep.tables import setting_table
from clipwatch.tui.sweep.view import SweepView

# In another order than that of the numbers.
RATES = [0.1, 0.03, 1.0]
SEEDS = 8


def order(plain: Sequence[int], clipped: Sequence[int], seeds: int = SEEDS) -> Results:
    """A sweep in which so many seeds solve the task, without and with clipping, by rates as in `RATES`."""
    found: dict[tuple[int, int], ReplicaFinished] = {}
    grid = sweep_config(ORDER, {"clip": ["none", "norm:1"], "learning_rate": RATES}, seeds, ())
    for setting, solved in enumerate((*plain, *clipped)):
        of_setting = replicas(grid, seeds, {setting: {"correct": 250}})
        for seed in range(solved):
            of_setting[setting, seed] = msgspec.structs.replace(of_setting[setting, seed], correct=1000)
        found |= of_setting
    return results(grid, found, TEMPORAL_ORDER.info, ORDER_DATA)


def own(medians: Sequence[float], *, clips: Sequence[str] = ("none", "norm:1"), seeds: int = SEEDS) -> Results:
    """A sweep of an experiment whose metric is better if lower and has no threshold."""
    config = sweep_config(OWN_CONFIG, {"clip": list(clips), "learning_rate": RATES}, seeds, ())
    figures = {setting: {"metrics": own_values(value)} for setting, value in enumerate(medians)}
    return results(config, replicas(config, seeds, figures), OWN)


def mapped(found: Results) -> GridMap:
    result = grid_map(found, summaries(found))
    assert result
    return result


def said(found: Results, language: str = "en") -> str:
    return " ".join(map(str, map_sentences(mapped(found), Words(language))))


def test_a_rate_works_if_half_of_the_seeds_solve_the_task() -> None:
    found = mapped(order((3, 4, 0), (8, 8, 4)))
    assert found.columns == (0.03, 0.1, 1.0)
    assert (found.working("none"), found.working("norm:1")) == ((0.03,), (0.03, 0.1, 1.0))
    assert found.at("norm:1", 1.0) is not None


def test_seeds_that_diverged_have_not_solved_it() -> None:
    one = order((0, 0, 0), (4, 8, 8))
    one.replicas[3, 7] = diverged(3, 7, 5, 1000, ())
    assert 0.1 in mapped(one).working("norm:1")
    one.replicas[3, 0] = diverged(3, 0, 5, 1000, ())
    cell = mapped(one).at("norm:1", 0.1)
    assert cell
    assert (cell.solved, cell.trained, cell.diverged) == (3, 8, 2)
    assert 0.1 not in mapped(one).working("norm:1")


def test_without_a_threshold_a_rate_works_near_the_best() -> None:
    found = own((2.0, 2.19, 2.3, 2.5, 2.19, 2.0))
    assert mapped(found).working("none") == (0.03, 0.1)
    assert mapped(found).best == pytest.approx(2.0035)
    for seed in range(SEEDS):
        if seed >= 3:
            found.replicas[5, seed] = diverged(5, seed, 5, 1000, ())
    assert mapped(found).working("norm:1") == (0.03,)
    assert "median bits per character within 10 % of the best, 2.00" in said(own((2.0, 2.19, 2.3, 2.5, 2.19, 2.0)))


@pytest.mark.parametrize(
    ("plain", "clipped", "sentence"),
    [
        ((0, 0, 0), (8, 3, 8), "widens the range: at 0.1 and 1, training works with it but not without clipping."),
        ((8, 0, 0), (0, 0, 0), "narrows the range: at 0.1, training works without clipping but not with it."),
        (
            (8, 0, 0),
            (0, 0, 8),
            "moves the range: at 1, training works with it but not without clipping; "
            "at 0.1, it is the other way round.",
        ),
        # Three of eight and five of eight are compatible.
        ((3, 0, 0), (5, 0, 0), "does not clearly change the range."),
        ((8, 8, 8), (8, 8, 8), "does not clearly change the range."),
    ],
)
def test_only_a_clear_difference_changes_the_range(plain: Sequence[int], clipped: Sequence[int], sentence: str) -> None:
    assert f"Clipping by norm:1 {sentence}" in said(order(plain, clipped))


def test_a_value_that_works_without_clipping_too_does_not_widen_the_range() -> None:
    # Clearly better: the intervals of 40 of 40 and 25 of 40 are apart.
    text = said(order((25, 0, 0), (40, 0, 0), seeds=40))
    assert "not clipped: 0.1; norm:1: 0.1." in text
    assert "norm:1 does not clearly change the range." in text


def test_a_value_at_which_most_seeds_diverge_does_not_work_however_good_the_others_are() -> None:
    found = own((2.0, 2.0, 3.0, 2.0, 2.0, 3.0))
    for seed in range(1, SEEDS):
        found.replicas[1, seed] = diverged(1, seed, 5, 1000, ())
    assert "widens the range: at 0.03, training works with it but not without clipping." in said(found)
    # Four of eight may be chance.
    for seed in range(1, 4):
        found.replicas[1, seed] = own((2.0,) * 6).replicas[1, seed]
    assert 0.03 not in mapped(found).working("none")
    assert "does not clearly change" in said(found)


@pytest.mark.parametrize(("seeds", "tells"), [(1, False), (5, False), (6, True)])
def test_medians_of_few_seeds_tell_nothing_of_clipping(seeds: int, tells: bool) -> None:
    text = said(own((2.0, 2.3, 3.0, 2.0, 2.0, 3.0), seeds=seeds))
    assert ("Clipping by norm:1 widens" in text) == tells
    assert ("takes at least 6 seeds for each value" in text) == (not tells)


@pytest.mark.parametrize(("seeds", "tells"), [(1, False), (5, False), (6, True)])
def test_shares_of_few_seeds_tell_nothing_of_clipping(seeds: int, tells: bool) -> None:
    text = said(order((0, 0, 0), (seeds, 0, 0), seeds=seeds))
    assert ("Clipping by norm:1 widens" in text) == tells
    assert ("takes at least 6 seeds for each value" in text) == (not tells)


def test_the_interval_of_a_median_leaves_out_less_than_a_twentieth() -> None:
    assert median_interval([3.0] * 5) == (-math.inf, math.inf)
    assert median_interval([6, 5, 4, 3, 2, 1]) == (1, 6)
    # Of 17 values, the fifth from either end: P(Bin(17, 1/2) <= 4) is 2.45 %, and P(<= 5) 7.2 %.
    assert median_interval(range(17)) == (4, 12)
    assert median_interval([1.0, 2.0, *[math.inf] * 6]) == (1.0, math.inf)


def test_medians_on_both_sides_of_the_limit_are_no_clear_difference() -> None:
    assert "does not clearly change" in said(own((2.0, 2.19, 3.0, 2.0, 2.21, 3.0)))
    assert "widens the range: at 0.03, training works" in said(own((2.0, 2.3, 3.0, 2.0, 2.0, 3.0)))


def test_a_range_is_said_as_one_and_may_go_on_where_nothing_was_tried() -> None:
    text = said(order((0, 0, 0), (8, 8, 0)))
    assert "solved the task): not clipped: none of 3; norm:1: 0.03 to 0.1." in text
    assert "A range that ends at 0.03 may go on there" in text
    text = said(order((0, 8, 8), (8, 0, 0)))
    assert "not clipped: 0.03 and 1; norm:1: 0.1." in text
    assert "ends at 0.03 and 1 may" in text
    assert "may go on" not in said(order((0, 0, 0), (8, 0, 0)))
    assert "0.03 至 0.1" in said(order((0, 0, 0), (8, 8, 0)), "zh")


def test_nothing_is_said_while_seeds_are_missing() -> None:
    found = order((0, 0, 0), (8, 8, 8))
    older = summaries(found)
    del found.replicas[2, 3]
    assert said(found) == ""
    # Nor from summaries that are older than the results.
    less = summaries(found)
    found = order((0, 0, 0), (8, 8, 8))
    result = grid_map(found, less)
    assert result
    assert not result.finished
    assert grid_map(found, older) is not None


def test_without_a_rule_that_does_nothing_nothing_is_compared() -> None:
    assert "Clipping by" not in said(own((2.0, 2.0, 3.0, 2.0, 2.0, 2.0), clips=("norm:1", "norm:5")))


@pytest.mark.parametrize("size", [(160, 43), (120, 28), (80, 22), (60, 14)])
@pytest.mark.parametrize("ascii", [False, True])
def test_the_map_fits_on_the_screen(size: tuple[int, int], ascii: bool) -> None:
    view = SweepView(results=order((0, 2, 0), (8, 8, 3)))
    seen = shown(view, size, ascii=ascii)
    assert {line.cell_length for line in seen.lines} == {size[0]}
    lines = text(seen.lines).splitlines()
    assert re.match(r" median accuracy by learning rate and rule  (solved/seeds, )?\* works", lines[0])
    assert re.search(r"0\.03 +0\.1 +1 ", lines[1])
    (plain,) = (line for line in lines[2:9] if "not clipped " in line and "0/8" in line)
    assert re.search(r"0\.250 2/8 +0\.250 0/8 +0\.250 0/8", plain)
    (clipped,) = (line for line in lines[2:9] if "norm:1 " in line and "8/8" in line)
    assert re.search(r"\*1\.000 8/8 +\*1\.000 8/8 +0\.250 3/8", clipped)


def test_narrow_cells_say_what_fits() -> None:
    found = order((0, 2, 0), (8, 8, 3))
    lines = map_section(found, summaries(found), 42, theme(), tall=False)
    assert re.search(r"\*8/8 +\*8/8 +3/8", lines[3].text)
    lines = map_section(found, summaries(found), 30, theme(), tall=False)
    assert [line.text for line in lines][1] == " 37 columns are needed for the map"


@pytest.mark.parametrize("base", [DARK, LIGHT])
def test_text_is_legible_on_its_shade(base: object) -> None:
    variables = {**base.to_color_system().generate(), "foreground-muted": "#888888"}  # type: ignore[attr-defined]
    own_theme = theme_of(variables, dark=base is DARK, coloured=True, ascii=False)
    found = own((2.0, 2.2, 2.5, 2.7, 2.9, 3.0))
    shades = set()
    for line in map_section(found, summaries(found), 100, own_theme, tall=False)[2:4]:
        for segment in list(line)[1::2]:
            assert segment.style
            colours = [Color.from_rich_color(one) for one in (segment.style.color, segment.style.bgcolor)]
            assert contrast(*colours) >= LEAST_CONTRAST - 0.7
            shades.add(colours[1])
    assert len(shades) == 6


def test_without_colours_the_numbers_are_there() -> None:
    variables = {**DARK.to_color_system().generate(), "foreground-muted": "#888888"}
    plain = theme_of(variables, dark=True, coloured=False, ascii=True)
    found = order((0, 2, 0), (8, 8, 3))
    lines = map_section(found, summaries(found), 80, plain, tall=True)
    assert all(not (segment.style and segment.style.bgcolor) for line in lines for segment in line)
    assert "*1.000 8/8" in text(lines)


def test_the_report_draws_the_map_and_says_what_works_means() -> None:
    found = order((0, 2, 0), (8, 8, 3))
    page = sweep_text(found)
    assert "The darker, the better; framed: works." in page
    assert "widens the range: at 0.03 and 0.1, training works" in page
    assert "a value works if at least half of its seeds" in page
    assert "8/8" in page
    # The figure is also shown without its caption.
    figure = map_figure(mapped(found), Words("en"), "map")
    assert "median accuracy; below: seeds that solved the task; framed: at least half did" in figure
    assert "median bits per character; framed: near the best" in map_figure(mapped(own((2.0,) * 6)), Words("en"), "map")


def test_another_number_by_number_has_a_map_too() -> None:
    config = sweep_config(OWN_CONFIG, {"learning_rate": [0.1, 0.2], "batch_size": [16, 8]}, 2, ())
    figures = {setting: {"metrics": own_values(2.0 + setting)} for setting in range(4)}
    found = mapped(results(config, replicas(config, 2, figures), OWN))
    assert (found.row_axis, found.rows, found.column_axis, found.columns) == (
        "batch_size",
        (16, 8),
        "learning_rate",
        (0.1, 0.2),
    )


def test_the_help_says_what_works_means_where_there_is_a_map() -> None:
    assert "works" not in terms(TEMPORAL_ORDER.info)
    assert "at least half of the seeds solved the task" in terms(TEMPORAL_ORDER.info, has_map=True)["works"]
    assert "within 10 % of the best cell" in terms(OWN, has_map=True)["works"]


def test_the_table_has_the_counts_that_the_sentences_rest_on() -> None:
    found = order((0, 3, 1), (8, 8, 2), seeds=8)
    out = Console(width=100)
    with out.capture() as capture:
        out.print(setting_table(found, summaries(found), 100))
    printed = capture.get()
    assert all(f" {count} of 8 " in printed for count in (0, 1, 2, 3, 8))

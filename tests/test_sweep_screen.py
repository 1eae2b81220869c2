"""The screen of a sweep: its lines as a pure function, and the app over an engine that speaks from a script."""

from __future__ import annotations

import asyncio
import io
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_sweep import DIGITS, replica, started
from textual.containers import VerticalScroll
from textual.events import MouseScrollDown, MouseScrollUp
from textual.strip import Strip

from clipwatch.core.reports.phrases import Words
from clipwatch.core.reports.sweep_words import answers, apart, short_sentence
from clipwatch.core.stream.builtin_experiments import ACCURACY, LENET
from clipwatch.core.stream.codec import encode
from clipwatch.core.stream.events import RecordingStarted
from clipwatch.core.stream.experiment_info import LOSS, MetricInfo
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import SweepFinished
from clipwatch.core.sweeps.comparisons import comparisons, summaries
from clipwatch.tui.charts.chart import render_chart
from clipwatch.tui.screens.help import HelpScreen
from clipwatch.tui.screens.replica_choice import ReplicaChoice
from clipwatch.tui.style.theme import DARK, Theme, theme_of
from clipwatch.tui.sweep.app import SweepApp
from clipwatch.tui.sweep.curves import choices, curve_chart, panels, quartile_curves
from clipwatch.tui.sweep.dot_plots import Axis, dots, whisker
from clipwatch.tui.sweep.keys import KEYS
from clipwatch.tui.sweep.page import VisibleLines, page
from clipwatch.tui.sweep.progress import Progress
from clipwatch.tui.sweep.reading import terms
from clipwatch.tui.sweep.tables import comparison_table, setting_table
from clipwatch.tui.sweep.view import SweepView, status, title
from clipwatch.tui.text.number_format import duration
from clipwatch.tui.text.rich_output import Output

CONFIG = sweep_config(DIGITS, {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}, 8, ())


def theme(*, ascii: bool = False) -> Theme:
    variables = {
        **DARK.to_color_system().generate(),
        "foreground-muted": "#888888",
    }
    return theme_of(variables, dark=True, coloured=True, ascii=ascii)


def events() -> list:
    curve = ((100, 2.0, 0.3), (200, 1.0, 0.6))
    many = [
        replica(
            setting,
            seed,
            100 + 40 * setting + (7 + setting) * seed % 30,
            curve=curve,
            dead=(1,) if setting % 2 == 0 else (),
        )
        for seed in range(8)
        for setting in range(4)
    ]
    return [started(CONFIG), RecordingStarted(folder="somewhere"), *many]


def viewed() -> SweepView:
    view = SweepView()
    for event in events():
        view.fold(event)
    return view


def text(lines: list[Strip]) -> str:
    return "\n".join(line.text for line in lines)


def shown(
    view: SweepView,
    size: tuple[int, int],
    first: int = 0,
    *,
    ascii: bool = False,
    show: tuple[MetricInfo, ...] = (ACCURACY,),
) -> VisibleLines:
    assert view.results
    found, compared = summaries(view.results), comparisons(view.results)
    return page(view.results, found, compared, size, theme(ascii=ascii), first, show)


@pytest.mark.parametrize("size", [(160, 43), (120, 28), (80, 22), (60, 14)])
@pytest.mark.parametrize("ascii", [False, True])
def test_everything_fits_into_its_cells(size: tuple[int, int], ascii: bool) -> None:
    seen = shown(viewed(), size, ascii=ascii)
    assert len(seen.lines) == size[1]
    assert {line.cell_length for line in seen.lines} == {size[0]}
    assert not ascii or text(seen.lines).isascii()
    assert all(f"{words} " in text(seen.lines) for words in ("not clipped,", "ReLU on the logits", "plain logits"))
    assert "Clipping by value:0.001 (ReLU on the logits)" in text(seen.lines)
    assert ("accuracy, median and quartiles" in text(seen.lines)) == (size[0] >= 120)


def test_where_there_is_room_the_answers_are_whole_sentences_and_beside_them_the_cause() -> None:
    seen = shown(viewed(), (160, 43))
    assert seen.below == 0
    assert "better on 8 of 8 seeds." in text(seen.lines)
    assert "the cause: median accuracy by dead outputs" in text(seen.lines)


def test_before_all_seeds_are_in_the_answer_is_so_far() -> None:
    view = viewed()
    assert "the interim result" not in text(shown(view, (160, 43)).lines)
    assert view.results
    view.results.replicas.popitem()
    assert "the interim result  stopping early makes p look smaller than it is" in text(shown(view, (160, 43)).lines)


def test_on_80_by_24_every_answer_is_seen_at_once() -> None:
    view = viewed()
    assert view.results
    seen = text(shown(view, (80, 22)).lines)
    said = [str(short_sentence(comparison, Words("en"))) for comparison in comparisons(view.results)]
    assert said[2] == "Plain logits vs. ReLU on the logits (not clipped): accuracy +13.2 percentage points"
    assert all(answer in " ".join(seen.split()) for answer in said)


@pytest.mark.parametrize("size", [(80, 22), (60, 14)])
def test_what_does_not_fit_is_reached_line_by_line(size: tuple[int, int]) -> None:
    view = viewed()
    first = shown(view, size)
    assert first.above == 0
    assert f"{first.below} more" in status(view, first.below, size[0], theme()).text
    seen = [*first.lines]
    for line in range(1, first.below + 1):
        seen.append(shown(view, size, line).lines[-1])
    assert "the cause: median accuracy by dead outputs" in text(seen)
    # A narrow chart leaves out what follows the comma.
    assert re.search(r"^ accuracy(,| )", text(seen), re.MULTILINE)
    last = shown(view, size, 10**6)
    assert (last.above, last.below) == (first.below, 0)


def test_before_the_first_result_every_setting_has_its_place() -> None:
    view = SweepView()
    view.fold(started(CONFIG))
    seen = text(shown(view, (160, 43)).lines)
    assert all(
        seen.count(words) == 2 for words in ("not clipped,", "value:0.001,", "ReLU on the logits", "plain logits")
    )


def test_a_setting_that_always_diverges_is_not_left_out() -> None:
    view = SweepView()
    view.fold(started(CONFIG))
    for seed in range(3):
        view.fold(replica(0, seed, reason="diverged", loss=None, correct=None))
        view.fold(replica(1, seed))
    assert "3 diverged" in text(shown(view, (80, 22)).lines)


def test_the_curve_is_the_median_and_the_band_reaches_from_quartile_to_quartile() -> None:
    view = SweepView()
    view.fold(started(CONFIG))
    for seed, accuracy in enumerate((0.1, 0.2, 0.5, 0.6, 0.9)):
        view.fold(replica(0, seed, curve=((10, 2.0, accuracy), (30, 1.0, accuracy + 0.1))))
    assert view.results
    median, band = quartile_curves(view.results, 0, ACCURACY)
    assert [median.nearest(step) for step in (10, 30)] == [(10, pytest.approx(0.5)), (30, pytest.approx(0.6))]
    edges = band.columns(10, 30, 4)
    assert edges.low[0] == pytest.approx(0.2, abs=0.03)
    assert edges.high[-1] == pytest.approx(0.7, abs=0.03)
    assert [quartile_curves(view.results, 0, LOSS)[0].nearest(step) for step in (10, 30)] == [(10, 2.0), (30, 1.0)]


CURVES = st.dictionaries(st.integers(0, 2000), st.tuples(st.floats(), st.floats(0, 1) | st.floats()), max_size=12)


@given(st.lists(CURVES, max_size=8), st.integers(1, 200), st.integers(1, 60), st.sampled_from([ACCURACY, LOSS]))
def test_losses_that_are_not_finite_have_charts_like_others(
    curves: list[dict[int, tuple[float, float]]], width: int, height: int, measure: MetricInfo
) -> None:
    view = SweepView()
    view.fold(started(CONFIG))
    for number, points in enumerate(curves):
        curve = tuple((step, *values) for step, values in sorted(points.items()))
        view.fold(replica(number % 4, number // 4, curve=curve))
    assert view.results
    for panel in panels(started(CONFIG), measure):
        chart = render_chart(curve_chart(view.results, panel, width, height, theme()))
        assert [line.cell_length for line in chart] == [width] * height


def test_final_losses_that_are_not_finite_have_a_page_like_others() -> None:
    view = SweepView()
    view.fold(started(CONFIG))
    for number, loss in enumerate([float("nan"), float("inf"), 3e38, -3e38, 1.0, None, 1e-38, 2.0]):
        view.fold(replica(number % 4, number // 4, loss=loss, curve=((10, loss or 0.0, 0.5), (20, 1.0, 0.6))))
    for show in ((ACCURACY, LOSS), (LOSS,)):
        assert {line.cell_length for line in shown(view, (120, 30), show=show).lines} == {120}


@pytest.mark.parametrize(("width", "chart"), [(160, 55), (120, 41)])
def test_beside_the_sections_the_charts_take_the_whole_height(width: int, chart: int) -> None:
    view = viewed()
    assert view.results
    measures = choices(view.results.started)
    assert measures == [(ACCURACY, LOSS), (ACCURACY,), (LOSS,)]
    for height in (32, 42):
        for show in measures:
            lines = shown(view, (width, height), show=show).lines
            column = [line.text[-chart:] for line in lines]
            assert [one for one in (ACCURACY, LOSS) if any(one.name in line for line in column)] == list(show)
            # At most one line between two charts, and one below them.
            assert sum(not line.strip() for line in column) <= len(show)


def test_below_the_sections_the_charts_follow_each_other() -> None:
    view = viewed()
    whole = text(shown(view, (80, 100), show=(ACCURACY, LOSS)).lines)
    assert whole.index("accuracy, median and quartiles") < whole.index("loss (nats), median and quartiles")
    assert "loss" not in text(shown(view, (80, 100), show=(ACCURACY,)).lines)


@pytest.mark.parametrize("size", [(160, 42), (120, 32), (80, 21), (60, 13)])
def test_exploratory_comparisons_share_one_sentence(size: tuple[int, int]) -> None:
    view = SweepView()
    view.fold(started(sweep_config(DIGITS, CONFIG.axes, 3, ())))
    for seed in range(3):
        for setting in range(4):
            view.fold(replica(setting, seed, 100 + 50 * setting + seed))
    found = " ".join(text(shown(view, size).lines).split())
    assert found.count("n = 3 is too few") == 1
    assert "4 comparisons are exploratory" in found
    assert view.results
    compared = comparisons(view.results)
    (answer,) = answers(view.results, compared, Words("en"))
    assert str(answer) == (
        "4 comparisons are exploratory. n = 3 is too few: even if all seeds agreed, p adjusted for the number of "
        "comparisons (4) would be 1. At least 8 seeds are needed."
    )
    alone, shared = apart(compared[:1], Words("en"))
    assert (alone, shared) == (compared[:1], [])


def test_a_sentence_of_its_own_stays_with_a_comparison_that_is_not_exploratory() -> None:
    results = viewed().results
    assert results
    compared = comparisons(results)
    assert apart(compared, Words("en")) == (compared, [])


@pytest.mark.parametrize("size", [(160, 42), (120, 32), (80, 21), (60, 13)])
def test_the_mean_of_dead_outputs_is_spelled_out(size: tuple[int, int]) -> None:
    found = text(shown(viewed(), size).lines)
    assert "dead outputs, mean" in found
    # Each of the two settings with a ReLU on the logits has one dead output in every replica.
    assert len(re.findall(r"mean 1\.0\b|\)\s+1\.0\b", found)) == 2
    assert "1.0 dead" not in found


def test_a_setting_of_which_one_seed_diverged_says_so() -> None:
    view = viewed()
    view.fold(replica(1, 99, reason="diverged", loss=None, correct=None))
    for size in ((160, 42), (60, 13)):
        assert "1 diverged" in text(shown(view, size).lines)


MANY = sweep_config(
    DIGITS, {"clip": ["none", "value:0.001", "sign"], "head": ["relu", "linear"], "optimizer": ["adam", "sgd"]}, 8, ()
)


def of_many() -> SweepView:
    view = SweepView()
    view.fold(started(MANY))
    for setting in range(12):
        for seed in range(8):
            curve = tuple((step, 1.0, (step / 20 + setting + seed) / 80) for step in range(100, 1001, 100))
            view.fold(replica(setting, seed, 100 + setting, curve=curve))
    return view


@pytest.mark.parametrize("size", [(160, 43), (80, 22), (60, 14)])
@pytest.mark.parametrize("ascii", [False, True])
def test_of_many_settings_each_pair_of_the_first_axis_has_a_chart_with_bands(
    size: tuple[int, int], ascii: bool
) -> None:
    view = of_many()
    assert [len(panel.settings) for panel in panels(started(MANY), ACCURACY)] == [2] * 8
    part = shown(view, size, ascii=ascii)
    seen = [*part.lines]
    while part.below:
        part = shown(view, size, len(seen), ascii=ascii)
        seen[part.above :] = part.lines
    assert {line.cell_length for line in seen} == {size[0]}
    whole = text(seen)
    assert "accuracy during training  median and quartiles" in whole
    for common in ("ReLU on the logits, adam", "ReLU on the logits, sgd", "plain logits, adam", "plain logits, sgd"):
        assert whole.count(f" {common}  ") >= 2
    assert whole.count("sign 0.") == whole.count("value:0.001 0.") == 4
    # Every chart is drawn where it is seen, though not elsewhere.
    assert len([line for line in seen if line.text.rstrip().endswith("1000")]) == 8


def test_the_charts_of_many_settings_show_bands() -> None:
    results = of_many().results
    assert results
    chart = curve_chart(results, panels(started(MANY), ACCURACY)[0], 60, 12, theme())
    assert all(lane.band is not None and len(lane.band) for lane in chart.lanes)
    assert [lane.name for lane in chart.lanes] == ["not clipped", "value:0.001"]


def test_the_title_says_how_far_it_is() -> None:
    view = viewed()
    assert "32 / 32" in title(view, 160, theme()).text
    view.fold(SweepFinished(reason="stopped", seconds=5.0))
    assert "stopped" in title(view, 160, theme()).text


@pytest.mark.parametrize("width", [160, 119, 80, 60])
def test_the_tables_at_the_end_keep_every_figure_whole_in_any_terminal(width: int) -> None:
    results = viewed().results
    assert results
    out = Output(width=width)
    with out.capture() as capture:
        out.print(setting_table(results, summaries(results), width))
        out.print(comparison_table(results, comparisons(results), width))
    printed = capture.get()
    assert "…" not in printed
    assert "0.640 (0.600-0.690)" in printed
    assert "+26.50 (+23.08 to +28.58)" in printed
    assert max(map(len, printed.splitlines())) <= width


def test_dots_lie_where_the_values_are_and_the_median_stands_out() -> None:
    strip = dots([0.0, 0.5, 0.5, 1.0], Axis(0.0, 1.0, 11), theme(), theme().text)
    assert strip.text == "·    •    ·"
    assert [place for place, segment in enumerate(strip) if segment.style and segment.style.reverse] == [5]


def test_a_whisker_spans_its_interval_about_its_mean() -> None:
    strip = whisker(-2.0, 0.5, 3.0, Axis(-5.0, 5.0, 10), theme(ascii=True), theme().text)
    assert strip.text == "   --+--- "


def test_the_time_left_leaves_out_the_start_of_the_workers_once_it_can() -> None:
    now = [0.0]
    progress = Progress(100, lambda: now[0])
    # 8 seconds to start, then 4 trainings every 2 seconds.
    for now[0] in (10.0, 10.1, 10.2, 10.3, *(12.0,) * 4):
        progress.count()
    assert progress.seconds_left == pytest.approx(92 * 12 / 8)
    for now[0] in (end for end in range(14, 23, 2) for _ in range(4)):
        progress.count()
    assert progress.done == 28
    assert progress.seconds_left == pytest.approx(72 / 2, rel=0.05)


def test_time_left_follows_from_what_was_done() -> None:
    now = 0.0
    progress = Progress(14, lambda: now)
    for _ in range(4):
        progress.count()
    now = 2.0
    progress.begin()
    assert progress.seconds_left is None
    now = 12.0
    for _ in range(5):
        progress.count()
    assert progress.seconds_left == 10.0
    # Until the next group of trainings ends, the time left falls, by what these trainings have taken already.
    now = 15.0
    assert progress.seconds_left == 7.0
    now = 99.0
    assert progress.seconds_left == 0.0
    assert [duration(seconds) for seconds in (7, 61, 3700, 10**6)] == ["7 s", "1 min 01 s", "1 h 01 min", "12 days"]


def script(tmp_path: Path, *, ends: bool) -> list[str]:
    """An engine that tells a sweep, then waits for a line and says that it stopped."""
    lines = [encode(event) for event in events()] + [encode(SweepFinished(reason="completed", seconds=9.0))] * ends
    said = tmp_path / "said.jsonl"
    said.write_bytes(b"\n".join(lines) + b"\n")
    last = encode(SweepFinished(reason="stopped", seconds=3.0)).decode()
    program = (
        f"import sys; sys.stdout.buffer.write(open({str(said)!r}, 'rb').read()); sys.stdout.flush();"
        f" sys.stdin.readline(); print({last!r}, flush=True)"
    )
    return [sys.executable, "-c", program]


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


async def _stops(tmp_path: Path) -> None:
    app = SweepApp(script(tmp_path, ends=False))
    async with app.run_test(size=(160, 45)) as pilot:
        # What is drawn in the end counts every result, though statistics are not made anew for each.
        await until(lambda: "32 / 32" in app._title.paint(0, 1)[0].text)
        await until(lambda: sum(one.seeds for one in app._summaries) == 32)
        await until(lambda: "over 8 seeds" in text(app._body.paint(0, 43)))
        await pilot.press("q")
        await until(lambda: app.view.finished is not None or not app.is_running)
    app.engine.stop()
    assert app.failure is None


def test_q_asks_the_engine_to_stop_and_leaves_when_it_has(tmp_path: Path) -> None:
    asyncio.run(_stops(tmp_path))


async def _keys(tmp_path: Path) -> None:
    app = SweepApp(script(tmp_path, ends=False))
    async with app.run_test(size=(160, 45)) as pilot:
        await until(lambda: "over 8 seeds" in " ".join(text(app._body.paint(0, 42)).split()))
        body = lambda: text(app._body.paint(0, 42))  # noqa: E731
        for measures in (("accuracy", "loss"), ("accuracy",), ("loss",), ("accuracy", "loss")):
            await until(lambda measures=measures: ("loss (nats), median" in body()) == ("loss" in measures))
            assert ("accuracy, median" in body()) == ("accuracy" in measures)
            await pilot.press("v")
        await until(lambda: app.view.message == "curves: accuracy")
        await pilot.press("t")
        await until(lambda: app.theme == "clipwatch-light")
        assert app.view.message == "theme clipwatch-light"
        await pilot.press("p")
        await until(lambda: app.view.message.startswith("Saved "))
        (picture,) = Path.cwd().glob("*.svg")
        assert "dead outputs" in picture.read_text().replace("&#160;", " ")
        await pilot.press("question_mark")
        await until(lambda: isinstance(app.screen, HelpScreen))
        # The page closes, the sweep goes on.
        await pilot.press("q")
        await until(lambda: not isinstance(app.screen, HelpScreen))
        assert not app._stopping
        line = app._keys.paint(0, 1)[0].text
        assert all(word in line for word in ("v curves", "p picture", "t theme", "? help", "q quit"))
        await pilot.click("#keys", offset=(line.index("? help"), 0))
        await until(lambda: isinstance(app.screen, HelpScreen))
        await pilot.press("escape")
        await pilot.resize_terminal(60, 16)
        await until(lambda: "more" in app._status.paint(0, 1)[0].text)
        app.post_message(MouseScrollDown(None, 9, 9, 0, 1, 0, False, False, False, screen_x=9, screen_y=9))
        await until(lambda: app._first_line == 3)
        app.post_message(MouseScrollUp(None, 9, 9, 0, -1, 0, False, False, False, screen_x=9, screen_y=9))
        await until(lambda: app._first_line == 0)
    app.engine.stop()


def test_keys_show_other_curves_save_a_picture_and_explain_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path / "pictures")
    asyncio.run(_keys(tmp_path))


async def _in_ascii(tmp_path: Path) -> None:
    app = SweepApp(script(tmp_path, ends=False), ascii=True)
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.press("question_mark")
        await until(lambda: isinstance(app.screen, HelpScreen))
        assert app.screen.query_one(VerticalScroll).styles.border_top[0] == "ascii"
    app.engine.stop()


def test_on_an_ascii_terminal_the_frame_of_the_help_is_ascii(tmp_path: Path) -> None:
    asyncio.run(_in_ascii(tmp_path))


def test_a_message_that_is_too_long_leaves_room_for_the_lines_below() -> None:
    view = viewed()
    view.message = "Saved " + "x" * 200
    for alert in (False, True):
        view.alert = alert
        line = status(view, 12, 60, theme()).text
        assert len(line) == 60
        assert line.endswith("… ↓ 12 more ") or line.rstrip().endswith("↓ 12 more")
        assert "…" in line


def test_every_word_of_the_help_stands_on_the_screen_or_in_the_tables() -> None:
    results = viewed().results
    assert results
    file = io.StringIO()
    out = Console(width=160, file=file)
    out.print(setting_table(results, summaries(results), 160))
    out.print(comparison_table(results, comparisons(results), 160))
    few, undecided = SweepView(), SweepView()
    for view, seeds in ((few, 1), (undecided, 8)):
        view.fold(started(sweep_config(DIGITS, {"clip": ["none", "sign"]}, seeds, ())))
        for seed in range(seeds):
            view.fold(replica(0, seed, 150))
            view.fold(replica(1, seed, 140 + 20 * (seed % 2)))
    seen = [text(shown(view, (160, 60), show=(ACCURACY, LOSS)).lines) for view in (viewed(), few, undecided)]
    words = " ".join(" ".join([*seen, file.getvalue()]).split())
    for term, meaning in terms(LENET.info).items():
        assert re.search(rf"\b{re.escape(term)}(s|\b)", words), term
        assert meaning.endswith(".")


def test_every_key_does_what_the_help_says_it_does() -> None:
    for key in KEYS:
        name, _, _ = key.action.removeprefix("app.").partition("(")
        assert hasattr(SweepApp, f"action_{name}"), key
        assert key.tooltip


async def _ends(tmp_path: Path) -> SweepApp:
    app = SweepApp(script(tmp_path, ends=True))
    async with app.run_test(size=(160, 45)):
        await until(lambda: app._statistics_of == (32, True))
    app.engine.stop()
    return app


def test_when_all_is_done_the_screen_says_what_will_be_printed(tmp_path: Path) -> None:
    app = asyncio.run(_ends(tmp_path))
    assert app.view.results
    assert app._comparisons == comparisons(app.view.results)


async def _opens(tmp_path: Path, *, ends: bool, keys: str) -> SweepApp:
    app = SweepApp(script(tmp_path, ends=ends))
    async with app.run_test(size=(160, 45)) as pilot:
        await until(lambda: app.view.finished if ends else app.view.results and len(app.view.results.replicas) == 32)
        await pilot.press("o")
        if ends:
            await until(lambda: isinstance(app.screen, ReplicaChoice))
            await pilot.press(*keys.split())
    app.engine.stop()
    return app


@pytest.mark.parametrize(("keys", "chosen"), [("down enter", 1), ("escape", None)])
def test_a_replica_can_be_opened_as_a_run_once_the_sweep_has_ended(
    keys: str, chosen: int | None, tmp_path: Path
) -> None:
    assert asyncio.run(_opens(tmp_path, ends=True, keys=keys)).replica == chosen
    app = asyncio.run(_opens(tmp_path, ends=False, keys=keys))
    assert app.replica is None
    assert app.view.message.startswith("The sweep is still training.")


async def _leaves(command: list[str]) -> SweepApp:
    app = SweepApp(command, quit_when_done=True)
    async with app.run_test(size=(160, 45)):
        await until(lambda: not app.is_running)
    app.engine.stop()
    return app


def test_with_quit_when_done_it_leaves_when_all_is_done_or_the_engine_is_gone(tmp_path: Path) -> None:
    assert asyncio.run(_leaves(script(tmp_path, ends=True))).exit_code == 0
    said = f"import sys; sys.stdout.buffer.write({encode(events()[0])!r} + b'\\n'); sys.exit('clipwatch: no such luck')"
    app = asyncio.run(_leaves([sys.executable, "-c", said]))
    assert app.exit_code == 1
    assert app.failure == "the engine ended (exit code 1): no such luck"
    diverged = (encode(events()[0]) + b"\n", encode(SweepFinished(reason="failed", seconds=1.0)) + b"\n")
    said = f"import sys; sys.stdout.buffer.write({b''.join(diverged)!r})"
    assert asyncio.run(_leaves([sys.executable, "-c", said])).exit_code == 1


async def _in_a_tiny_terminal(tmp_path: Path) -> None:
    app = SweepApp(script(tmp_path, ends=False))
    async with app.run_test(size=(40, 12)) as pilot:
        await until(lambda: "32 of 32 trainings done" in text(app._body.paint(0, 1)))
        assert "clipwatch needs 60 x 16" in app._title.paint(0, 1)[0].text
        await pilot.resize_terminal(80, 24)
        await until(lambda: "the result" in text(app._body.paint(0, 22)))
        before = app._body.paint(0, 1)[0].text
        await pilot.press("down")
        await until(lambda: app._body.paint(0, 1)[0].text != before)
    app.engine.stop()


def test_too_small_a_terminal_still_says_how_far_it_is(tmp_path: Path) -> None:
    asyncio.run(_in_a_tiny_terminal(tmp_path))


async def _fails() -> SweepApp:
    program = "import sys; print('clipwatch: no such luck', file=sys.stderr); raise SystemExit(2)"
    app = SweepApp([sys.executable, "-c", program])
    async with app.run_test(size=(80, 24)):
        await until(lambda: app.failure is not None)
    app.engine.stop()
    return app


def test_an_engine_that_ends_before_it_starts_gives_its_last_words_and_code() -> None:
    app = asyncio.run(_fails())
    assert app.failure == "no such luck"
    assert app.return_code == 2

"""The screen's bars: their text, their width, and their look in colour, without colour and in ASCII."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_state import DATA, EVALUATED, FINISHED, LANE, RUN
from textual.strip import Strip

from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    DownloadProgressed,
    Evaluated,
    Event,
    LaneFailed,
    LanePaused,
    LaneStepped,
    MomentsReset,
    PaceChanged,
    RunFinished,
    StageStarted,
)
from clipwatch.core.stream.state import LaneState
from clipwatch.tui.style.theme import DARK, Theme, theme_of
from clipwatch.tui.view.header_and_footer import key_at, key_line, lane_heading, status, title
from clipwatch.tui.view.keys import KEYS, keycaps
from clipwatch.tui.view.run_view import RunView

VARIABLES = DARK.to_color_system().generate()
COLOURED = theme_of(VARIABLES, dark=True, coloured=True, ascii=False)
ASCII = theme_of(VARIABLES, dark=True, coloured=True, ascii=True)
PLAIN = theme_of(VARIABLES, dark=True, coloured=False, ascii=False)

CHANGE = ClipChanged(lane="a", step=12, rule="none", previous="value:0.001")
CAUSE = (
    "loss is nan\nafter \x1b[31mred\x1b[0m w\N{LATIN SMALL LETTER O WITH DIAERESIS}rds \N{CJK UNIFIED IDEOGRAPH-4E00}"
)
FAILED = LaneFailed(lane="a", step=5, reason="diverged", cause=CAUSE, seconds=1.0)
OTHER = msgspec.structs.replace(LANE, lane="b\N{GREEK SMALL LETTER ALPHA}", rule="none")
ENDED = RunFinished(reason="completed", seconds=9.0)

SITUATIONS: dict[str, list[Event]] = {
    "nothing": [],
    "loading": [StageStarted(stage="loading torch")],
    "downloading": [DownloadProgressed(file="train-images-idx3-ubyte.gz", received=3_000_000, total=9_912_422)],
    "downloading, size unknown": [DownloadProgressed(file="images", received=3_000_000, total=None)],
    "started": [RUN, LANE, OTHER],
    "training": [RUN, LANE, OTHER, *(msgspec.structs.replace(EVALUATED, step=n, seconds=n / 50) for n in (0, 10, 20))],
    "changed mid-run": [RUN, LANE, OTHER, CHANGE],
    "paused": [RUN, LANE, LanePaused(lane="a", step=3)],
    "failed": [RUN, LANE, OTHER, FAILED],
    "finished": [RUN, LANE, FINISHED, ENDED],
}


def view_of(*events: Event) -> RunView:
    view = RunView()
    for event in events:
        view.fold(event)
    return view


def titled(*events: Event, width: int = 200, engine_gone: bool = False, next_head: str | None = None) -> str:
    view = view_of(*events)
    view.engine_gone = engine_gone
    return title(view, width, COLOURED, next_head=next_head).text


def headed(*events: Event, width: int = 100, theme: Theme = COLOURED, selected: bool = False) -> list[str]:
    view = view_of(RUN, LANE, *events)
    strips = lane_heading(0, view.state.lanes["a"], view.lanes["a"], width, theme, selected=selected)
    return [strip.text for strip in strips]


def every_line(name: str, width: int, theme: Theme) -> list[Strip]:
    view, gone = view_of(*SITUATIONS[name]), view_of(*SITUATIONS[name])
    gone.lose_engine()
    strips = [
        title(view, width, theme, next_head="linear"),
        title(gone, width, theme, next_head=None),
        status(
            "what\thappened " * 8,
            alert=True,
            view=view,
            pair=("a", "b\N{GREEK SMALL LETTER ALPHA}"),
            width=width,
            theme=theme,
        ),
        status("so it is", alert=False, view=view, pair=None, width=width, theme=theme),
        key_line({}, width, theme),
        key_line({"pause": "f12,x", "quit": "ctrl+x"}, width, theme),
    ]
    for number, lane in enumerate(view.state.lanes.values()):
        for selected in (True, False):
            strips += lane_heading(number, lane, view.lanes[lane.name], width, theme, selected=selected)
    return strips


@given(st.sampled_from(list(SITUATIONS)), st.integers(0, 250), st.sampled_from([COLOURED, ASCII, PLAIN]))
def test_every_line_fits_its_width_to_the_cell(name: str, width: int, theme: Theme) -> None:
    for strip in every_line(name, width, theme):
        assert strip.cell_length == width
        assert sum(segment.cell_length for segment in strip) == width


@pytest.mark.parametrize("width", [1, 20, 60, 80, 160])
@pytest.mark.parametrize("name", SITUATIONS)
def test_no_line_contains_control_characters(name: str, width: int) -> None:
    for strip in every_line(name, width, COLOURED):
        assert strip.text.isprintable()


@pytest.mark.parametrize("width", [1, 20, 60, 80, 160])
@pytest.mark.parametrize("name", SITUATIONS)
def test_the_ascii_look_is_ascii(name: str, width: int) -> None:
    for strip in every_line(name, width, ASCII):
        assert strip.text.isascii()


@pytest.mark.parametrize("name", SITUATIONS)
def test_without_colour_there_is_none(name: str) -> None:
    coloured = 0
    for strip in every_line(name, 120, PLAIN):
        assert all(segment.style is None or not (segment.style.color or segment.style.bgcolor) for segment in strip)
    for strip in every_line(name, 120, COLOURED):
        coloured += sum(segment.style is not None and segment.style.color is not None for segment in strip)
    assert coloured


def test_before_a_run_the_title_says_what_is_being_prepared() -> None:
    assert "loading torch ..." in titled(*SITUATIONS["loading"])
    text = titled(*SITUATIONS["downloading"])
    assert "downloading train-images-idx3-ubyte.gz [######..............] 30% of 9.9 MB" in text
    assert titled(*SITUATIONS["downloading, size unknown"]).rstrip().endswith("downloading images: 3.0 MB")


@pytest.mark.parametrize(
    ("received", "share"), [(10**17, "[####################] 100%"), (-9, "[....................] 0%")]
)
def test_the_progress_of_a_download_is_clamped(received: int, share: str) -> None:
    progress = DownloadProgressed(file="images", received=received, total=5)
    assert share in titled(progress)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(progress), DownloadProgressed)
    assert "loading torch ... 3 s" in title(view_of(*SITUATIONS["loading"]), 80, PLAIN, next_head=None, waited=2.9).text
    assert "engine stopped" in titled(*SITUATIONS["loading"], engine_gone=True)


def test_the_title_has_data_seed_step_state_and_speed() -> None:
    words = "clipwatch digits seed 0 ReLU on the logits step 0 / 100 training 50 steps/s (speed limit 50)"
    assert " ".join(titled(*SITUATIONS["training"]).split()).startswith(words)
    assert "step 31 / 100" in titled(RUN, LANE, EVALUATED)
    assert "full speed" in titled(RUN, LANE, PaceChanged(lane="a", step=1, pace=None))


def test_the_title_has_the_state_of_all_lanes() -> None:
    assert "paused" in titled(RUN, LANE, LanePaused(lane="a", step=3))
    assert "training" in titled(RUN, LANE, OTHER, LanePaused(lane="a", step=3))
    assert "stepping" in titled(RUN, LANE, LaneStepped(lane="a", step=3, count=1))
    assert "done" in titled(RUN, LANE, FINISHED)
    assert "completed" in titled(RUN, LANE, FINISHED, ENDED)
    assert "starting" in titled(RUN)
    assert "engine stopped" in titled(RUN, LANE, engine_gone=True)


def run_on(dataset: str, got: str) -> list[Event]:
    config = RunConfig(dataset=dataset, seed=7)
    return [msgspec.structs.replace(RUN, config=config, dataset=msgspec.structs.replace(DATA, name=got)), LANE]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_digits_instead_of_mnist_are_announced_at_any_width(width: int) -> None:
    words = "embedded digits, not MNIST"
    assert words in titled(*run_on("auto", "digits"), width=width)
    assert words not in titled(*run_on("auto", "mnist"), width=width)
    assert words not in titled(*run_on("digits", "digits"), width=width)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_run_changed_mid_run_is_marked_at_any_width(width: int) -> None:
    words = "changed mid-run" if width < 100 else "not a clean comparison"
    marked = titled(*run_on("digits", "digits"), CHANGE, width=width)
    assert words in marked
    assert ("rule changed mid-run: " in marked) == (width == 200)
    assert words not in titled(*run_on("digits", "digits"), width=width)


def test_the_mark_of_a_changed_run_leaves_room_for_the_seed_in_80_cells() -> None:
    long = [msgspec.structs.replace(one, iterations=20_000) if one is LANE else one for one in run_on("mnist", "mnist")]
    marked = titled(*long, msgspec.structs.replace(CHANGE, step=4_381), width=80)
    for words in ("mnist", "seed 7", "step 4,381 / 20,000", "training", "changed mid-run"):
        assert words in marked


def test_the_title_names_the_next_head_only_if_it_differs() -> None:
    assert "(next: plain logits)" in titled(RUN, LANE, next_head="linear")
    assert "next" not in titled(RUN, LANE, next_head="relu")


def test_a_lanes_heading_has_its_name_rule_and_steps() -> None:
    first, _ = headed(EVALUATED)
    assert re.fullmatch(r" ● a   value:0\.001 +31 / 100  ?", first)
    assert headed()[0].split()[-3:] == ["0", "/", "100"]


def narrow(name: str, rule: str, width: int, theme: Theme = COLOURED) -> str:
    """The first line of a lane's heading."""
    state, view = LaneState(name=name, rule=rule, iterations=1000), view_of(RUN, LANE).lanes["a"]
    return lane_heading(0, state, view, width, theme, selected=False)[0].text


# The width of one of four lanes at 80 columns.
QUARTER = 19


@pytest.mark.parametrize("rule", ["value:0.001", "value:0.0005", "value:0.00005", "layer-norm:0.5", "autoclip:12.5"])
@pytest.mark.parametrize("name", ["a", "clipped", "a lane with a long name", "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 9])
@pytest.mark.parametrize("theme", [COLOURED, ASCII])
def test_a_narrow_heading_keeps_the_rule_whole(name: str, rule: str, theme: Theme) -> None:
    line = narrow(name, rule, QUARTER, theme)
    assert line.split()[0] == theme.glyphs.symbol(0)
    assert line.split()[-1] == rule


def test_a_narrow_heading_shortens_the_name_and_then_drops_it() -> None:
    assert narrow("clipped", "value:0.001", 30).rstrip() == " ● clipped   value:0.001"
    assert narrow("clipped", "norm:0.5", QUARTER) == " ● clip…   norm:0.5"
    assert narrow("clipped", "norm:0.5", QUARTER, ASCII) == " * clip~   norm:0.5"
    assert narrow("a", "value:0.0005", QUARTER) == " ● a   value:0.0005"
    assert narrow("a", "value:0.00005", QUARTER).rstrip() == " ●   value:0.00005"


def test_a_narrow_heading_says_none_for_not_clipped() -> None:
    assert narrow("a", "none", QUARTER) == " ● a   not clipped "
    assert narrow("unclipped", "none", QUARTER) == " ● unclipped   none"


def test_a_rule_wider_than_the_heading_ends_with_an_ellipsis() -> None:
    assert narrow("a", "value:-0.001:0.002", QUARTER) == " ●   value:-0.001:…"


def test_a_lane_that_is_not_clipped_says_so_and_when_it_changed() -> None:
    first = headed(CHANGE)[0]
    assert "not clipped" in first
    assert "changed at step 12" in first
    assert "changed" not in headed()[0]


def test_progress_speed_and_time_left() -> None:
    events = [msgspec.structs.replace(EVALUATED, step=n, seconds=n / 2) for n in (0, 9, 19)]
    bar, percent, speed, left = re.split(r"  +", headed(*events)[1].strip())
    assert (bar.count("━"), bar.count("─")) == (8, 32)
    assert (percent, speed, left) == ("20%", "2 steps/s", "40 s left")
    assert headed(*events, theme=ASCII)[1].strip().startswith("#" * 8 + "." * 32 + " ")


def test_minutes_and_hours_left() -> None:
    def left(seconds_a_step: float) -> str:
        events = [msgspec.structs.replace(EVALUATED, step=n, seconds=n * seconds_a_step) for n in (0, 9, 19)]
        return headed(*events)[1]

    assert "2 min 00 s left" in left(1.5)
    assert "2 h 13 min left" in left(100)


def test_a_paused_lane_has_no_time_left() -> None:
    events = [msgspec.structs.replace(EVALUATED, step=n, seconds=n / 2) for n in (0, 9, 19)]
    progress = headed(*events, LanePaused(lane="a", step=20))[1]
    assert "paused" in progress
    assert "left" not in progress


def test_a_failed_lane_says_at_which_step_and_why() -> None:
    assert "diverged at step 5: loss is nan" in headed(FAILED)[1]


def test_a_finished_lane_has_its_accuracy_with_the_interval() -> None:
    assert " ".join(headed(FINISHED)[1].split()) == "completed accuracy 0.600 (0.231-0.882) on all 5 images"
    assert headed(FINISHED, width=QUARTER)[1].strip() == "accuracy 0.600"


def test_the_selected_lane_looks_different_with_and_without_colour() -> None:
    view = view_of(RUN, LANE)
    for one in (COLOURED, PLAIN):
        lines = [
            lane_heading(0, view.state.lanes["a"], view.lanes["a"], 80, one, selected=it)[0] for it in (True, False)
        ]
        assert lines[0] != lines[1]


def test_the_status_has_the_message_and_the_lanes_difference() -> None:
    one = Evaluated(lane="a", step=10, loss=1.5, accuracy=0.5, train_loss=1.0, seconds=1.0)
    view = view_of(RUN, LANE, OTHER, one, msgspec.structs.replace(one, lane=OTHER.lane, loss=1.25, accuracy=0.75))
    arguments = {"alert": False, "view": view, "width": 120}
    text = status("hello", pair=("a", OTHER.lane), theme=COLOURED, **arguments).text
    assert text.startswith(" hello ")
    assert text.endswith(f"{OTHER.lane} \N{MINUS SIGN} a at step 10:  Δloss -0.250  Δaccuracy +0.25 ")
    assert "diff loss -0.250" in status("hello", pair=("a", OTHER.lane), theme=ASCII, **arguments).text
    assert "loss" not in status("hello", pair=None, theme=COLOURED, **arguments).text


def difference(width: int, message: str = "hello", lanes: int = 2, theme: Theme = COLOURED) -> str:
    """The difference in the status line: last lane minus first."""
    names = [f"lane {number}" for number in range(lanes)]
    one = Evaluated(lane="lane 0", step=10, loss=1.5, accuracy=0.5, train_loss=1.0, seconds=1.0)
    starts = [msgspec.structs.replace(LANE, lane=name) for name in names]
    view = view_of(RUN, *starts, one, msgspec.structs.replace(one, lane=names[-1], loss=1.25, accuracy=0.75))
    text = status(message, alert=False, view=view, pair=(names[0], names[-1]), width=width, theme=theme).text
    return text.removeprefix(f" {message} ").strip()


def test_the_difference_names_its_lanes_at_every_width() -> None:
    minus = "\N{MINUS SIGN}"
    assert [difference(width) for width in (70, 62, 45, 40, 34, 20)] == [
        f"lane 1 {minus} lane 0 at step 10:  Δloss -0.250  Δaccuracy +0.25",
        f"lane 1 {minus} lane 0:  Δloss -0.250  Δaccuracy +0.25",
        f"◆{minus}●:  Δloss -0.250  Δaccuracy +0.25",
        f"◆{minus}●:  Δloss -0.250  Δacc +0.25",
        f"◆{minus}●:  Δloss -0.250",
        "",
    ]
    assert difference(50, theme=ASCII) == "o-*:  diff loss -0.250  diff acc +0.25"


def test_where_lanes_share_a_symbol_the_difference_has_their_names() -> None:
    assert difference(45, lanes=4).startswith("■\N{MINUS SIGN}●: ")
    assert difference(45, lanes=5) == "lane 4 \N{MINUS SIGN} lane 0:  Δloss -0.250"


def test_the_first_message_leaves_room_for_the_whole_difference_in_80_columns() -> None:
    text = difference(80, "Training with seed 0. ?: help", lanes=4)
    assert text == "lane 3 \N{MINUS SIGN} lane 0:  Δloss -0.250  Δaccuracy +0.25"


def test_the_message_has_priority_over_the_difference() -> None:
    one = Evaluated(lane="a", step=10, loss=1.5, accuracy=0.5, train_loss=1.0, seconds=1.0)
    view = view_of(RUN, LANE, OTHER, one, msgspec.structs.replace(one, lane=OTHER.lane))
    message = "The engine has ended. r: start a new one"
    text = status(message, alert=True, view=view, pair=("a", OTHER.lane), width=60, theme=COLOURED).text
    assert message in text


def test_an_alert_looks_different_with_and_without_colour() -> None:
    for one in (COLOURED, PLAIN):
        calm, loud = (status("x", alert=it, view=RunView(), pair=None, width=20, theme=one) for it in (False, True))
        assert {segment.style for segment in loud} - {segment.style for segment in calm}


@pytest.mark.parametrize("width", [60, 80, 120, 200, 400])
def test_the_key_line_shows_whole_keys_and_always_help_and_quit(width: int) -> None:
    text = key_line({}, width, COLOURED).text
    assert " ? help " in text
    assert " q quit " in text
    for key in KEYS:
        text = text.replace(f" {keycaps(key.keys).split()[0]} {key.label} ", "", 1)
    assert not text.strip()


def test_a_wide_key_line_shows_every_key_with_a_rank() -> None:
    text = key_line({}, 400, COLOURED, replaying=True).text
    assert all(f" {key.label} " in text for key in KEYS if key.footer)
    live = key_line({}, 400, COLOURED).text
    assert all((f" {key.label} " in live) == (key.only != "replay") for key in KEYS if key.footer)


def test_in_a_replay_the_keys_of_live_runs_are_dropped_first() -> None:
    text = key_line({}, 80, COLOURED, replaying=True).text
    assert "back 5 %" in text
    assert "forward 5 %" in text
    assert "new seed" not in text


def test_the_key_line_shows_remapped_keys() -> None:
    text = key_line({"pause": "x", "quit": "ctrl+x"}, 80, COLOURED).text
    assert " x pause " in text
    assert " ^x quit " in text


def test_lane_symbols_differ_without_colour() -> None:
    state, view = LaneState(name="a", rule="none", iterations=10), view_of(RUN, LANE).lanes["a"]
    for one in (PLAIN, ASCII):
        symbols = {lane_heading(n, state, view, 80, one, selected=False)[0].text.split()[0] for n in range(4)}
        assert len(symbols) == 4


def test_a_run_with_an_optimizer_reset_is_not_a_clean_comparison_either() -> None:
    reset = MomentsReset(lane="a", step=20)
    assert "optimizer state reset mid-run: not a clean comparison" in titled(RUN, LANE, reset)
    assert "rule changed mid-run: not a clean comparison" in titled(RUN, LANE, CHANGE, reset)


@pytest.mark.parametrize("width", [60, 80, 120, 300])
@pytest.mark.parametrize("replaying", [False, True])
def test_the_key_at_a_column_is_the_one_that_is_shown_there(width: int, replaying: bool) -> None:
    text = key_line({}, width, COLOURED, replaying=replaying).text
    ends = 0
    for key in (key for key in KEYS if f" {key.label} " in text):
        shown = f" {keycaps(key.keys).split()[0]} {key.label} "
        if shown not in text:
            continue
        start = text.index(shown)
        for column in (start, start + len(shown) - 1):
            assert key_at(column, {}, width, COLOURED, replaying=replaying) == key
        ends = max(ends, start + len(shown))
    assert ends > width // 2 or width == 300
    assert key_at(ends, {}, width, COLOURED, replaying=replaying) is None

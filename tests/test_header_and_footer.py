"""The screen's bars: their text, their width, and their look in colour, without colour and in ASCII."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import diagnosed
from other_experiments import ORDER, lane_started, started
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
    LaneResumed,
    LaneStepped,
    LearningRateChanged,
    MomentsReset,
    PaceChanged,
    ReplayStarted,
    RunFinished,
    StageStarted,
)
from clipwatch.core.stream.lane_state import LaneState
from clipwatch.core.stream.rules import recorded_rule
from clipwatch.tui.style.theme import DARK, Theme, theme_of
from clipwatch.tui.text.explanation import explanations
from clipwatch.tui.text.number_format import symbols_in_ascii
from clipwatch.tui.text.rule_words import rule_words
from clipwatch.tui.view.key import Phase, keycaps
from clipwatch.tui.view.key_line import key_at, key_line, phase_of
from clipwatch.tui.view.keys import KEYS
from clipwatch.tui.view.lane_heading import lane_heading
from clipwatch.tui.view.run_view import RunView
from clipwatch.tui.view.status_line import status
from clipwatch.tui.view.title import title

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
REPLAY = ReplayStarted(run="2026-run", last_step=100, speed=2.0)
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


def titled(*events: Event, width: int = 200, engine_gone: bool = False, next_head: str = "") -> str:
    view = view_of(*events)
    view.engine_gone = engine_gone
    return title(view, width, COLOURED, next_settings={"head": next_head} if next_head else {}).text


def heading(
    view: RunView, number: int, lane: LaneState, width: int, theme: Theme, *, selected: bool = False
) -> list[Strip]:
    """A lane's heading, as its panel draws it."""
    sentence = explanations(view.state, lane)
    return lane_heading(number, lane, view.lanes[lane.name], sentence, width, theme, selected=selected)


def headed(*events: Event, width: int = 100, theme: Theme = COLOURED, selected: bool = False) -> list[str]:
    view = view_of(RUN, LANE, *events)
    strips = heading(view, 0, view.state.lanes["a"], width, theme, selected=selected)
    return [strip.text for strip in strips]


def every_line(name: str, width: int, theme: Theme) -> list[Strip]:
    view, gone = view_of(*SITUATIONS[name]), view_of(*SITUATIONS[name])
    gone.lose_engine()
    strips = [
        title(view, width, theme, next_settings={"head": "linear"}),
        title(gone, width, theme),
        status(
            "what\thappened " * 8,
            alert=True,
            view=view,
            pair=("a", "b\N{GREEK SMALL LETTER ALPHA}"),
            width=width,
            theme=theme,
        ),
        status("so it is", alert=False, view=view, pair=None, width=width, theme=theme),
        *(key_line({}, width, theme, phase=phase) for phase in ("waiting", "training", "ended", "replay")),
        key_line({"pause": "f12,x", "quit": "ctrl+x"}, width, theme),
    ]
    for number, lane in enumerate(view.state.lanes.values()):
        for selected in (True, False):
            strips += heading(view, number, lane, width, theme, selected=selected)
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
    assert "loading torch 0.0 s" in titled(*SITUATIONS["loading"])
    text = titled(*SITUATIONS["downloading"])
    assert "downloading 3.0 of 9.9 MB [######..............] 0.0 s  train-images-idx3-ubyte.gz" in text
    assert titled(*SITUATIONS["downloading, size unknown"]).rstrip().endswith("downloading 3.0 MB 0.0 s  images")


@pytest.mark.parametrize(
    ("received", "share"),
    [(10**17, "5.0 of 5.0 MB [####################]"), (-9, "0.0 of 5.0 MB [....................]")],
)
def test_the_progress_of_a_download_is_clamped(received: int, share: str) -> None:
    progress = DownloadProgressed(file="images", received=received, total=5_000_000)
    assert share in titled(progress)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(progress), DownloadProgressed)


def test_stages_that_overlap_have_their_seconds_each() -> None:
    view = view_of(StageStarted(stage="reading mnist and loading torch"))
    waited = {"reading mnist": 0.31, "loading torch": 2.9}
    line = title(view, 80, PLAIN, waited=waited).text
    assert "reading mnist 0.3 s, loading torch 2.9 s" in line


def test_a_stopped_engine_shows_in_the_title_before_a_run_too() -> None:
    assert "engine stopped" in titled(*SITUATIONS["loading"], engine_gone=True)


def test_the_title_has_data_seed_step_state_and_speed() -> None:
    words = "clipwatch digits seed 0 ReLU on the logits step 0 / 100 training 50 steps/s (speed limit) 0: full speed"
    assert " ".join(titled(*SITUATIONS["training"]).split()).startswith(words)
    assert "step 31 / 100" in titled(RUN, LANE, EVALUATED)
    assert "training  full speed " in titled(RUN, LANE, PaceChanged(lane="a", step=1, pace=None))
    slower = [msgspec.structs.replace(EVALUATED, step=n, seconds=n / 30) for n in (0, 10, 20)]
    assert "30 steps/s (speed limit 50)" in titled(RUN, LANE, *slower)


def test_the_title_names_the_key_for_full_speed_while_a_lane_waits_for_its_speed_limit() -> None:
    paced = [RUN, LANE]
    assert "0: full speed" in titled(*paced)
    assert "0: full speed" not in titled(*paced, PaceChanged(lane="a", step=1, pace=None))
    assert "0: full speed" not in titled(*paced, FINISHED)
    assert "0: full speed" not in titled(*paced, ReplayStarted(run="a", last_step=10))


def test_the_title_has_the_state_of_all_lanes() -> None:
    assert "paused" in titled(RUN, LANE, LanePaused(lane="a", step=3))
    assert "training" in titled(RUN, LANE, OTHER, LanePaused(lane="a", step=3))
    assert "stepping" in titled(RUN, LANE, LaneStepped(lane="a", step=3, count=1))
    assert "done" in titled(RUN, LANE, FINISHED)
    assert "completed" in titled(RUN, LANE, FINISHED, ENDED)
    assert "starting" in titled(RUN)
    assert "engine stopped" in titled(RUN, LANE, engine_gone=True)


def run_on(dataset: str, got: str) -> list[Event]:
    config = RunConfig(settings={"dataset": dataset}, seed=7)
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


@pytest.mark.parametrize(("planned", "steps"), [(1000, " 499 / 1,000 "), (200_000, " step 99,999 ")])
def test_the_mark_of_a_changed_run_leaves_room_for_the_step_in_60_cells(planned: int, steps: str) -> None:
    order = started(ORDER)
    begun = [msgspec.structs.replace(lane_started(lane), iterations=planned) for lane in order.config.lanes]
    change = msgspec.structs.replace(CHANGE, lane="unclipped", step=planned // 2 - 1)
    other = LanePaused(lane="clipped", step=planned // 2 - 1)
    marked = titled(order, *begun, change, other, LaneResumed(lane="clipped", step=other.step), width=60)
    assert steps in marked
    assert "temporal-order" in marked
    assert "training" in marked
    assert "changed mid-run" in marked


def test_the_title_names_the_next_head_only_if_it_differs() -> None:
    assert "(next: plain logits)" in titled(RUN, LANE, next_head="linear")
    assert "next" not in titled(RUN, LANE, next_head="relu")


def test_a_lanes_heading_has_its_name_its_rule_now_and_its_steps() -> None:
    first, _ = headed(EVALUATED)
    assert first.startswith(" ● a   clipped: every element within ±0.001 ")
    assert first.rstrip().endswith("━━━━━━──────────────  31 / 100")
    assert headed(EVALUATED, width=70)[0].rstrip().endswith("  ━━━───────   31 %")


def test_a_lane_without_a_given_name_is_a_letter() -> None:
    config = RunConfig(settings={"dataset": "digits"})
    starts = [msgspec.structs.replace(LANE, lane=lane.name, rule=lane.rule) for lane in config.lanes]
    view = view_of(msgspec.structs.replace(RUN, config=config), *starts)
    lanes = view.state.lanes
    first = [heading(view, n, lane, 60, COLOURED)[0].text.rstrip() for n, lane in enumerate(lanes.values())]
    assert first[0].startswith(" ● A   unclipped ")
    assert first[1].startswith(" ◆ B   clipped: every element within ±0.001 ")


def narrow(name: str, rule: str, width: int, theme: Theme = COLOURED, step: int = 360) -> str:
    """The first line of a lane's heading."""
    state, view = LaneState(name=name, rule=rule, iterations=1000, step=step), view_of(RUN, LANE).lanes["a"]
    return lane_heading(0, state, view, (), width, theme, selected=False)[0].text.rstrip()


# The width of one of two lanes at 60 columns, and of one of four lanes at 120.
NARROWEST = 29
RULES = ["none", "value:0.001", "value:-0.001:0.002", "value::0.1", "norm:1", "layer-norm:0.5", "agc:0.01"]


@pytest.mark.parametrize("rule", [*RULES, "autoclip:10", "zclip", "sign"])
@pytest.mark.parametrize("theme", [COLOURED, ASCII])
@pytest.mark.parametrize("name", ["unclipped", "a"])
def test_the_narrowest_heading_has_name_rule_and_progress_whole(name: str, rule: str, theme: Theme) -> None:
    line = narrow(name, rule, NARROWEST, theme)
    words = rule_words(recorded_rule(rule))
    assert any((symbols_in_ascii(form) if theme.ascii else form) in line for form in words)
    assert line.split()[:2] == [theme.glyphs.symbol(0), "A" if name == "unclipped" else "a"]
    assert line.endswith(" 36 %")


def test_a_heading_gives_up_the_rule_in_full_before_the_time_left() -> None:
    events = [msgspec.structs.replace(EVALUATED, step=n, seconds=n / 2) for n in (0, 9, 19)]
    assert re.split("   +", headed(*events, width=NARROWEST)[0].rstrip()) == [" ● a", "±0.001", "40 s left"]
    assert headed(*events, width=39)[0].rstrip() == " ● a   value ±0.001    20 %  40 s left"
    wide = " ● a   clipped: every element within ±0.001    40 s left"
    assert headed(*events, width=57)[0].rstrip() == wide


def test_a_long_name_is_shortened_before_the_rule_is_lost() -> None:
    assert narrow("a-lane-with-a-long-name", "norm:0.5", NARROWEST) == " ● a-lane-with-a-…   norm 0.5"
    assert narrow("a-lane-with-a-long-name", "norm:0.5", 19) == " ● a-la…   norm 0.5"
    assert narrow("a", "norm:0.00005", 19, ASCII) == " * a   norm 5e-05"


def test_a_rule_that_changed_says_since_when_it_holds() -> None:
    assert " ● a   unclipped since step 12 " in headed(CHANGE)[0]
    assert headed(CHANGE, width=NARROWEST)[0].rstrip() == " ● a   unclipped since 12"
    again = ClipChanged(lane="a", step=1360, rule="value:0.001", previous="none")
    assert " ● a   clipped: every element within ±0.001 since step 1,360 " in headed(CHANGE, again)[0]
    assert headed(CHANGE, again, width=NARROWEST)[0].rstrip() == " ● a   ±0.001 since 1,360"
    assert "since" not in headed()[0]


def test_progress_speed_and_time_left() -> None:
    events = [msgspec.structs.replace(EVALUATED, step=n, seconds=n / 2) for n in (0, 9, 19)]
    _, bar, steps, speed, left = re.split(r"  +", headed(*events, width=120)[0].strip())[-5:]
    assert (bar.count("━"), bar.count("─")) == (4, 16)
    assert (steps, speed, left) == ("20 / 100", "2 steps/s", "40 s left")
    assert "  ####................  20 / 100 " in headed(*events, width=120, theme=ASCII)[0]


def test_minutes_and_hours_left() -> None:
    def left(seconds_a_step: float) -> str:
        events = [msgspec.structs.replace(EVALUATED, step=n, seconds=n * seconds_a_step) for n in (0, 9, 19)]
        return headed(*events)[0]

    assert "2 min 00 s left" in left(1.5)
    assert "2 h 13 min left" in left(100)


def test_a_paused_lane_has_no_time_left() -> None:
    events = [msgspec.structs.replace(EVALUATED, step=n, seconds=n / 2) for n in (0, 9, 19)]
    for width in (NARROWEST, 39, 120):
        progress = headed(*events, LanePaused(lane="a", step=20), width=width)[0]
        assert "paused" in progress
        assert "left" not in progress


def test_the_second_line_is_the_sentence_that_explains_the_lane() -> None:
    assert headed(diagnosed(dead=()))[1].strip() == "clipping changed 40 % of elements, direction kept to cos 0.35"
    assert headed(diagnosed(dead=()), width=39)[1].strip() == "changed 40 % of elements, cos 0.35"
    assert headed(diagnosed(dead=()), width=NARROWEST)[1].strip() == "changed 40 % of elements"
    assert headed()[1].strip() == ""


def test_warnings_in_the_second_line_stand_out() -> None:
    looks = []
    for events in ([diagnosed(dead=())], [diagnosed()], [FAILED]):
        view = view_of(RUN, LANE, *events)
        line = heading(view, 0, view.state.lanes["a"], 80, COLOURED)[1]
        looks += [{segment.style for segment in line if segment.text.strip()}]
    assert len({frozenset(look) for look in looks}) == 3


def test_a_failed_lane_says_at_which_step_and_why() -> None:
    assert "diverged at step 5: loss is nan" in headed(FAILED)[1]
    assert headed(FAILED, width=NARROWEST)[1].strip() == "diverged at step 5: loss…"


def test_a_finished_lane_has_its_accuracy_with_the_interval() -> None:
    assert headed(FINISHED)[0].rstrip().endswith("  accuracy 0.600 (0.231-0.882) on all 5 images")
    assert headed(FINISHED, width=39)[0].rstrip() == " ● a   value ±0.001     accuracy 0.600"
    assert headed(FINISHED, width=NARROWEST)[0].rstrip() == " ● a   value ±0.001    0.600"
    stopped = msgspec.structs.replace(FINISHED, reason="stopped", step=50)
    assert "stopped at step 50" in headed(stopped, width=140)[0]


def test_the_selected_lane_looks_different_with_and_without_colour() -> None:
    view = view_of(RUN, LANE)
    for one in (COLOURED, PLAIN):
        lines = [heading(view, 0, view.state.lanes["a"], 80, one, selected=it)[0] for it in (True, False)]
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
    text = key_line({}, 400, COLOURED, phase="replay").text
    assert all(f" {key.label} " in text for key in KEYS if key.footer and key.only != "steered")
    live = key_line({}, 400, COLOURED).text
    assert all((f" {key.label} " in live) == (key.only not in ("replay", "steered")) for key in KEYS if key.footer)


def test_in_a_replay_the_keys_of_live_runs_are_dropped_first() -> None:
    text = key_line({}, 80, COLOURED, phase="replay").text
    assert "back 5 %" in text
    assert "forward 5 %" in text
    assert "new seed" not in text


def named(width: int, phase: Phase) -> list[str]:
    """The ids of the keys on the key line."""
    text = key_line({}, width, COLOURED, phase=phase).text
    return [key.id for key in KEYS if f" {keycaps(key.keys).split()[0]} {key.label} " in text]


def test_in_80_columns_the_most_useful_keys_stay() -> None:
    assert {"pause", "clip", "focus_lane", "diagnostics", "show_help", "quit"} <= set(named(80, "training"))
    assert {"extend", "reseed", "diagnostics", "show_help", "quit"} <= set(named(80, "ended"))
    assert {"diagnostics", "scrub_back", "show_help", "quit"} <= set(named(80, "replay"))
    assert {"clip", "diagnostics", "show_help", "quit"} <= set(named(60, "training"))
    assert {"scrub_back", "scrub_on", "show_help", "quit"} <= set(named(60, "replay"))
    assert {"extend", "sweep", "show_help", "quit"} <= set(named(60, "ended"))


@pytest.mark.parametrize("phase", ["training", "steered"])
def test_in_160_columns_the_keys_of_the_learning_rate_and_of_forks_are_shown(phase: Phase) -> None:
    keys = [key for key in KEYS if key.works_in(phase)]
    line = key_line({}, 160, COLOURED, phase=phase, keys=keys).text
    assert " { lr down  } lr up " in line
    assert (" F fork " in line) == (phase == "training")


@pytest.mark.parametrize("width", range(60, 200, 7))
def test_a_key_and_its_counterpart_are_on_the_key_line_together(width: int) -> None:
    keys = set(named(width, "training"))
    for one, other in (
        ("tighten", "loosen"),
        ("lower_rate", "raise_rate"),
        ("slower", "faster"),
        ("restart", "reseed"),
    ):
        assert (one in keys) == (other in keys)


@pytest.mark.parametrize(
    ("phase", "off"),
    [
        (
            "waiting",
            {"pause", "step", "clip", "tighten", "loosen", "rule", "focus_lane", "extend", "sweep"}
            | {"diagnostics", "left_metric", "all_charts", "reseed", "lower_rate", "raise_rate", "fork"},
        ),
        ("training", set()),
        ("ended", {"pause", "step", "fork"}),
    ],
)
def test_keys_that_do_nothing_now_are_struck_out(phase: Phase, off: set[str]) -> None:
    line = key_line({}, 400, COLOURED, phase=phase)
    struck = {segment.text for segment in line if segment.style and segment.style.strike}
    assert {key.id for key in KEYS if key.label in struck} == off


def test_keys_follow_what_the_run_is_doing() -> None:
    assert phase_of(view_of().state) == "waiting"
    assert phase_of(view_of(RUN, LANE).state) == "training"
    assert phase_of(view_of(RUN, LANE, OTHER, FINISHED).state) == "training"
    assert phase_of(view_of(RUN, LANE, FINISHED).state) == "ended"
    assert phase_of(view_of(RUN, REPLAY, LANE, FINISHED).state) == "replay"


def test_the_title_of_a_replay_names_the_run_and_its_own_speed() -> None:
    trained = [msgspec.structs.replace(EVALUATED, step=n, seconds=n / 50) for n in (0, 10, 20)]
    text = titled(RUN, REPLAY, LANE, *trained)
    assert "replay of 2026-run" in text
    assert "replaying" in text
    assert "training" not in text
    assert "100 steps/s, at 2 times the recorded speed" in text
    assert " replay " in titled(RUN, REPLAY, LANE, *trained, width=60)
    at_once = msgspec.structs.replace(REPLAY, speed=None)
    assert "as fast as possible" in titled(RUN, at_once, LANE, *trained)


def test_the_title_says_which_lane_is_in_sight_and_the_key_for_the_others() -> None:
    view = view_of(RUN, LANE, OTHER)
    for width in (60, 80):
        assert "2 of 4 · tab" not in title(view, width, COLOURED, visible=range(2)).text
    starts = [msgspec.structs.replace(LANE, lane=name) for name in "abcd"]
    view = view_of(RUN, *starts)
    assert "2 of 4 · tab" in title(view, 60, COLOURED, visible=range(1, 2)).text
    assert "2 of 4; tab" in title(view, 60, ASCII, visible=range(1, 2)).text
    assert "lanes 2 to 3 of 4 · tab" in title(view, 80, COLOURED, visible=range(1, 3)).text


def test_the_title_counts_on_after_one_lane_has_failed() -> None:
    other = [msgspec.structs.replace(EVALUATED, lane=OTHER.lane, step=step) for step in (20, 40)]
    assert "step 41 / 100" in titled(RUN, LANE, OTHER, FAILED, *other)
    end = msgspec.structs.replace(FINISHED, lane=OTHER.lane)
    assert "step 100 / 100" in titled(RUN, LANE, OTHER, FAILED, *other, end)


def test_lanes_beside_each_other_show_their_progress_in_one_form() -> None:
    trained = [
        msgspec.structs.replace(EVALUATED, lane=lane, step=n, seconds=n / 2)
        for n in (0, 9, 19)
        for lane in ("a", OTHER.lane)
    ]
    view = view_of(RUN, LANE, OTHER, *trained)
    lanes = list(view.state.lanes.values())
    for width in (60, 70, 80, 90, 110):
        lines = [
            lane_heading(n, lane, view.lanes[lane.name], (), width, COLOURED, selected=False, beside=lanes)[0].text
            for n, lane in enumerate(lanes)
        ]
        progress = [re.split("   +", line.rstrip())[-1] for line in lines]
        assert progress[0] == progress[1], lines


@pytest.mark.parametrize("width", [29, 39, 59, 79])
def test_lanes_beside_each_other_show_their_results_in_one_form(width: int) -> None:
    view = view_of(RUN, LANE, OTHER, FINISHED, msgspec.structs.replace(FINISHED, lane=OTHER.lane))
    lanes = list(view.state.lanes.values())
    results = [
        re.split(
            "  +",
            lane_heading(n, lane, view.lanes[lane.name], (), width, COLOURED, selected=False, beside=lanes)[
                0
            ].text.rstrip(),
        )[-1]
        for n, lane in enumerate(lanes)
    ]
    assert results[0] == results[1]
    assert "0.600" in results[0]


def test_after_a_failure_there_is_no_difference_of_old_values_except_at_the_cursor() -> None:
    one = Evaluated(lane="a", step=0, loss=2e12, accuracy=0.1, train_loss=1.0, seconds=1.0)
    view = view_of(RUN, LANE, OTHER, one, msgspec.structs.replace(one, lane=OTHER.lane, loss=2.0), FAILED)

    def text(at: int | None) -> str:
        pair = ("a", OTHER.lane)
        return status("hello", alert=False, view=view, pair=pair, width=120, theme=COLOURED, at=at).text

    assert "loss" not in text(None)
    assert "Δloss -2.00e+12 " in text(0)


def test_a_message_that_does_not_fit_ends_with_an_ellipsis() -> None:
    for theme in (COLOURED, ASCII):
        text = status("x" * 99, alert=False, view=RunView(), pair=None, width=60, theme=theme).text
        assert text.rstrip().endswith(f"x{theme.glyphs.ellipsis}"), text
        assert len(text) == 60


def test_the_key_line_shows_remapped_keys() -> None:
    text = key_line({"pause": "x", "quit": "ctrl+x"}, 80, COLOURED).text
    assert " x pause " in text
    assert " ^x quit " in text


def test_lane_symbols_differ_without_colour() -> None:
    state, view = LaneState(name="a", rule="none", iterations=10), view_of(RUN, LANE).lanes["a"]
    for one in (PLAIN, ASCII):
        symbols = {lane_heading(n, state, view, (), 80, one, selected=False)[0].text.split()[0] for n in range(4)}
        assert len(symbols) == 4


def test_a_run_with_an_optimizer_reset_is_not_a_clean_comparison_either() -> None:
    reset = MomentsReset(lane="a", step=20)
    assert "optimizer state reset mid-run: not a clean comparison" in titled(RUN, LANE, reset)
    assert "rule changed mid-run: not a clean comparison" in titled(RUN, LANE, CHANGE, reset)


@pytest.mark.parametrize("width", [60, 80, 120, 300])
@pytest.mark.parametrize("phase", ["waiting", "training", "ended", "replay"])
def test_the_key_at_a_column_is_the_one_that_is_shown_there(width: int, phase: Phase) -> None:
    text = key_line({}, width, COLOURED, phase=phase).text
    ends = 0
    for key in (key for key in KEYS if f" {key.label} " in text):
        shown = f" {keycaps(key.keys).split()[0]} {key.label} "
        if shown not in text:
            continue
        start = text.index(shown)
        for column in (start, start + len(shown) - 1):
            assert key_at(column, {}, width, COLOURED, phase=phase) == key
        ends = max(ends, start + len(shown))
    assert ends > width // 2 or width == 300
    assert key_at(ends, {}, width, COLOURED, phase=phase) is None


OWN = {"a": ("lr 0.01", "sgd", "fork of B at 300")}


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (120, "● a   clipped: every element within ±0.001 · lr 0.01 · sgd · fork of B at 300"),
        (70, "● a   value ±0.001 · lr 0.01 · sgd · fork of B at 300"),
        (59, "● a   ±0.001 · lr 0.01 · sgd · fork of B at 300"),
        (39, "● a   ±0.001 · lr 0.01 · sgd"),
        (29, "● a   ±0.001 · lr 0.01"),
    ],
)
def test_what_a_lane_has_of_its_own_follows_its_rule_as_far_as_it_fits(width: int, line: str) -> None:
    state, view = LaneState(name="a", rule="value:0.001", iterations=1000, step=360), view_of(RUN, LANE).lanes["a"]
    for lanes in ((), (state, LaneState(name="b", rule="none", iterations=1000))):
        heading = lane_heading(0, state, view, (), width, COLOURED, selected=False, beside=lanes, own=OWN)
        assert re.split("   +", heading[0].text.strip(), maxsplit=2)[:2] == re.split("   ", line)


def test_a_changed_rule_is_dated_before_what_the_lane_has_of_its_own() -> None:
    state = LaneState(name="a", rule="value:0.001", iterations=1000, step=360, changed_at=(300,), rule_since=300)
    view = view_of(RUN, LANE).lanes["a"]
    for width, line in ((90, "value ±0.001 since step 300 · lr 0.01"), (40, "±0.001 since 300 · lr 0.01")):
        assert line in lane_heading(0, state, view, (), width, COLOURED, selected=False, own=OWN)[0].text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((LearningRateChanged(lane="a", step=20, rate=0.01, previous=0.001),), "learning rate changed mid-run"),
        ((LearningRateChanged(lane="a", step=20, rate=0.01, previous=0.001), CHANGE), "rule changed mid-run"),
    ],
)
def test_a_changed_learning_rate_is_no_clean_comparison_either(changes: tuple[Event, ...], words: str) -> None:
    assert f"{words}: not a clean comparison" in titled(RUN, LANE, *changes)

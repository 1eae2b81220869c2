"""The window of steps in the charts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clipwatch.tui.view.step_window import EMPTY_SPAN, JUMP, MIN_SPAN, WHOLE_RUN, Window, between

NEWEST = st.integers(0, 1_000_000)
MOVES = st.lists(st.sampled_from(["in", "out", "left", "right"]), max_size=30)


def moved(moves: list[str], newest: int) -> Window:
    window = WHOLE_RUN
    for move in moves:
        match move:
            case "in":
                window = window.zoomed(0.5, newest)
            case "out":
                window = window.zoomed(2, newest)
            case "left":
                window = window.panned(-0.25, newest)
            case "right":
                window = window.panned(0.25, newest)
    return window


def test_an_empty_run_has_a_chart_of_some_width() -> None:
    assert WHOLE_RUN.steps(0) == (0, EMPTY_SPAN)


def test_the_whole_run_grows_with_it() -> None:
    assert WHOLE_RUN.steps(990) == (0, 990)
    assert WHOLE_RUN.steps(5000) == (0, 5000)


@given(MOVES, NEWEST)
def test_any_keys_keep_the_window_within_the_run(moves: list[str], newest: int) -> None:
    first, last = moved(moves, newest).steps(newest)
    assert 0 <= first < last <= max(newest, EMPTY_SPAN)
    assert last - first >= min(MIN_SPAN, newest or MIN_SPAN)


@given(MOVES, NEWEST)
def test_enough_zooming_out_shows_the_whole_run(moves: list[str], newest: int) -> None:
    assert moved([*moves, *["out"] * 20], newest) == WHOLE_RUN


@given(MOVES, st.integers(1000, 1_000_000), st.integers(1, 1000))
def test_a_window_at_the_end_follows_and_any_other_stays(moves: list[str], newest: int, more: int) -> None:
    window = moved(moves, newest)
    (first, last), later = window.steps(newest), window.steps(newest + more)
    if last < newest:
        assert later == (first, last)
    else:
        assert later[1] == newest + more


def test_zooming_in_halves_the_steps_and_keeps_the_end_in_sight() -> None:
    assert WHOLE_RUN.zoomed(0.5, 1000).steps(1000) == (500, 1000)
    assert moved(["in", "in"], 1000).steps(1000) == (750, 1000)


def test_zooming_a_window_in_the_middle_keeps_its_middle() -> None:
    window = Window(400, 700)
    assert window.zoomed(0.5, 1000).steps(1000) == (400, 600)
    assert window.zoomed(2, 1000).steps(1000) == (100, 900)


def test_zooming_in_has_a_limit() -> None:
    first, last = moved(["in"] * 30, 1000).steps(1000)
    assert last - first == MIN_SPAN


def test_panning_moves_a_quarter_and_back_to_the_end_follows_again() -> None:
    window = moved(["in", "left"], 1000)
    assert window.steps(1000) == (375, 875)
    assert window.steps(2000) == (375, 875)
    assert moved(["in", "left", "right"], 1000).steps(2000) == (1500, 2000)


def test_the_start_is_the_end_of_panning_left() -> None:
    assert moved(["in", *["left"] * 10], 1000).steps(1000) == (0, 500)


def test_the_whole_run_has_nowhere_to_move() -> None:
    assert WHOLE_RUN.panned(-0.25, 1000) == WHOLE_RUN
    assert WHOLE_RUN.panned(0.25, 1000) == WHOLE_RUN


@given(MOVES, NEWEST, st.integers(0, 1_000_000), st.integers(0, 1000), st.data())
def test_scrolling_to_a_step_fixes_the_window_and_moves_it_only_if_needed(
    moves: list[str], newest: int, to_come: int, more: int, data: st.DataObject
) -> None:
    window, final, step = moved(moves, newest), newest + to_come, data.draw(st.integers(0, newest))
    first, last = window.steps_to_draw(newest, final)
    shown = window.scrolled_to(step, newest, final)
    later_first, later_last = shown.steps_to_draw(newest + more, final + more)
    assert shown.span == window.span
    assert later_first <= step <= later_last
    assert window.span is None or shown.steps_to_draw(newest, final) == (first, last) or not first <= step <= last


@given(MOVES, NEWEST, st.integers(0, 2_000_000))
def test_room_for_future_steps_is_at_most_a_quarter_and_never_beyond_the_end(
    moves: list[str], newest: int, final: int
) -> None:
    window = moved(moves, newest)
    first, last = window.steps(newest)
    drawn_first, drawn_last = window.steps_to_draw(newest, final)
    room = drawn_last - last
    assert 0 <= room <= 2 * JUMP * (last - first)
    assert room == 0 or (last == newest and drawn_last <= final)
    assert drawn_first == (first if window.span is None else first + room)


@given(st.sampled_from([WHOLE_RUN, Window(400), Window(5000)]), st.integers(5000, 1_000_000))
def test_a_following_window_stands_still_between_jumps(window: Window, newest: int) -> None:
    first, last = window.steps_to_draw(newest, 10**9)
    assert window.steps_to_draw(last, 10**9) == (first, last)
    later = window.steps_to_draw(last + 1, 10**9)
    assert later[1] - last >= JUMP * (last - first) * 0.99


def test_fixed_and_narrow_windows_leave_no_room() -> None:
    assert Window(400, 700).steps_to_draw(1001, 10_000) == (300, 700)
    assert Window(MIN_SPAN).steps_to_draw(1001, 10_000) == (1001 - MIN_SPAN, 1001)
    assert WHOLE_RUN.steps_to_draw(7, 10_000) == (0, EMPTY_SPAN)
    ends = [WHOLE_RUN.steps_to_draw(newest, 10_000)[1] for newest in (100, 101, 199, 201, 370, 501, 999, 1001, 4_321)]
    assert ends == [100, 125, 200, 250, 400, 600, 1000, 1250, 5_000]


def test_the_end_of_a_run_fills_the_chart() -> None:
    assert WHOLE_RUN.steps_to_draw(980, 990) == (0, 990)
    assert WHOLE_RUN.steps_to_draw(990, 990) == (0, 990)
    assert Window(400).steps_to_draw(990, 990) == (590, 990)


@given(st.integers(1000, 100_000), st.floats(0, 1), st.sampled_from([0.5, 0.8, 1.25, 2]))
def test_zooming_at_a_step_leaves_it_where_it_is(newest: int, place: float, factor: float) -> None:
    window = Window(newest // 2, newest * 3 // 4)
    first, last = window.steps(newest)
    step = first + round(place * (last - first))
    zoomed = window.zoomed(factor, newest, around=step)
    start, end = zoomed.steps(newest)
    assert start <= step <= end
    if zoomed.end is not None and start > 0:
        assert abs((step - start) / (end - start) - (step - first) / (last - first)) < 0.01


def test_steps_picked_with_the_mouse_are_the_window() -> None:
    assert between(300, 560, 1000).steps(1000) == (300, 560)
    assert between(300, 310, 1000).steps(1000) == (300, 300 + MIN_SPAN)
    assert between(700, 1000, 1000) == Window(300)
    assert between(0, 3, 1000).steps(1000) == (0, MIN_SPAN)

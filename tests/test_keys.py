"""The list of keys, and what is derived from it."""

from __future__ import annotations

import inspect
from io import StringIO
from itertools import groupby

import pytest
from rich.console import Console
from textual.binding import Binding

from clipwatch.core.errors import BadInput
from clipwatch.tui.engine_child.process import EngineProcess
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.screens.help import HelpScreen
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.style.chart_styles import Palette
from clipwatch.tui.style.theme import Theme
from clipwatch.tui.view.charted import ChartedRun
from clipwatch.tui.view.key import CHART, CLIP, PACE, RATE, REPLAY, RUN, Key, keycaps
from clipwatch.tui.view.keymap import keymap
from clipwatch.tui.view.keys import KEYS
from clipwatch.tui.view.run_view import RunView
from clipwatch.tui.widgets.charts_panel import ChartsPanel


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_every_key_says_what_it_is_and_what_it_does(key: Key) -> None:
    assert all((key.id, key.keys, key.label, key.tooltip, key.group))
    assert key.tooltip[0].isupper()


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_every_key_does_something(key: Key) -> None:
    if key.group in (RUN, CLIP, RATE, PACE, REPLAY) and key.id not in ("sweep", "fork"):
        assert key.action == f"app.steer('{key.id}')"
        return
    if key.group == CHART and key.id != "all_charts":
        assert key.action == f"change_charts('{key.id}')"
        return
    action = getattr(ClipwatchApp if key.action.startswith("app.") else MainScreen, f"action_{key.id}")
    assert callable(action)
    assert inspect.getdoc(action)


def test_steering_has_exactly_the_keys_that_reach_the_engine() -> None:
    app = ClipwatchApp(EngineProcess(["true"]), keymap={})
    app.engine.stop()
    assert sorted(app.steering.keys) == sorted(key.id for key in KEYS if key.action.startswith("app.steer"))


def test_the_charts_have_exactly_the_keys_that_change_them() -> None:
    view, theme = RunView(), Theme(Palette(), panel="#000000")
    charts = ChartsPanel(ChartedRun(view), theme, id="charts", classes="")
    assert list(charts.keys) == [key.id for key in KEYS if key.action.startswith("change_charts")]


def test_the_keys_of_a_group_follow_each_other() -> None:
    groups = [group for group, _ in groupby(KEYS, key=lambda key: key.group)]
    assert len(groups) == len(set(groups))


def test_ids_labels_and_keys_are_unique() -> None:
    names = [name for key in KEYS for name in key.keys.split(",")]
    for names_of_one_kind in ([key.id for key in KEYS], [key.label for key in KEYS], names):
        assert len(names_of_one_kind) == len(set(names_of_one_kind))


def test_the_main_screen_binds_exactly_these_keys() -> None:
    bound = [(binding.id, binding.key, binding.action) for binding in MainScreen.BINDINGS]
    assert bound == [(key.id, key.keys, key.action) for key in KEYS]
    assert all(isinstance(binding, Binding) and binding.tooltip for binding in MainScreen.BINDINGS)


def helped(remapping: dict[str, str]) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(HelpScreen(remapping)._content())
    assert isinstance(console.file, StringIO)
    return " ".join(console.file.getvalue().split())


def test_help_has_every_key_and_what_it_does() -> None:
    text = helped({})
    for key in KEYS:
        assert f"{keycaps(key.keys)} {key.tooltip}" in text


def test_help_shows_remapped_keys() -> None:
    text = helped({"pause": "x"})
    assert "x Pause or resume all lanes" in text
    assert "space Pause or resume all lanes" not in text


def test_key_names_are_kept() -> None:
    assert keymap({}) == {}
    assert keymap({"pause": "x", "log_scale": "f5,ctrl+l"}) == {"pause": "x", "log_scale": "f5,ctrl+l"}


def test_characters_become_textuals_key_names() -> None:
    assert keymap({"pause": "! , x"}) == {"pause": "exclamation_mark,x"}


def test_two_keys_can_swap_places() -> None:
    assert keymap({"clip": "r", "restart": "c"}) == {"clip": "r", "restart": "c"}


@pytest.mark.parametrize(
    ("remapping", "words"),
    [
        ({"paws": "x"}, r"\[keys\] paws: unknown key; known keys: pause, step, "),
        ({"pause": "c"}, r"'c': that key is already used for pause"),
        ({"pause": "c,x"}, r"'c': that key is already used for pause"),
        ({"pause": "?"}, r"'question_mark': that key is already used for pause"),
        ({"pause": " c"}, r"'c': that key is already used for pause"),
        ({"pause": "x", "step": "x"}, r"\[keys\] step = 'x': that key is already used for pause"),
        ({"pause": ""}, r"\[keys\] pause = '': name a key, like x or ctrl\+x"),
        ({"pause": "x,,y"}, r"\[keys\] pause = 'x,,y': name a key"),
    ],
)
def test_a_wrong_key_is_refused_by_name(remapping: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        keymap(remapping)


def test_keycaps_are_what_a_keyboard_shows() -> None:
    assert keycaps("left_square_bracket") == "["
    assert keycaps("plus,equals_sign") == "+ ="
    assert keycaps("q,ctrl+c") == "q ^c"
    assert keycaps("ctrl+x") == "^x"
    assert keycaps("exclamation_mark") == "!"

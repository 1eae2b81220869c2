"""What the screen says before a run: in every width, in ASCII, with the user's own keys."""

from __future__ import annotations

import pytest

from clipwatch.tui.style.theme import DARK, theme_of
from clipwatch.tui.view.keymap import keymap
from clipwatch.tui.view.welcome import welcome

VARIABLES = DARK.to_color_system().generate()
COLOURED = theme_of(VARIABLES, dark=True, coloured=True, ascii=False)
PLAIN = theme_of(VARIABLES, dark=True, coloured=False, ascii=True)


@pytest.mark.parametrize("theme", [COLOURED, PLAIN], ids=["coloured", "plain"])
@pytest.mark.parametrize(("width", "height"), [(60, 13), (80, 21), (120, 32), (160, 42)])
def test_it_fits_says_what_one_will_see_and_names_three_keys(width: int, height: int, theme: object) -> None:
    lines = welcome({}, width, height, theme)  # type: ignore[arg-type]
    assert len(lines) <= height
    assert {line.cell_length for line in lines} == {width}
    words = [line.text.split() for line in lines]
    text = " ".join(word for line in words for word in line)
    assert "side by side" in text
    assert "the clipping of their gradients differs, or what else you gave them." in text
    assert "what each lane prints as it learns" in text
    keys = [line[0] for line in words if line and line[0] in ("c", "d", "space")]
    assert keys == ["c", "d", "space"]
    assert text.isascii()
    assert text.endswith("again: go on")


def test_it_is_in_the_middle() -> None:
    blank = [not line.text.strip() for line in welcome({}, 160, 42, COLOURED)]
    above = blank.index(False)
    below = 42 - len(blank)
    assert abs(above - below) <= 1
    left = min(len(line.text) - len(line.text.lstrip()) for line in welcome({}, 160, 42, COLOURED) if line.text.strip())
    assert left == 44


def test_it_names_the_keys_that_the_user_set() -> None:
    text = [line.text.split() for line in welcome(keymap({"clip": "f5", "pause": "P"}), 80, 21, COLOURED)]
    assert ["f5", "switch"] in [line[:2] for line in text]
    assert ["P", "stop"] in [line[:2] for line in text]

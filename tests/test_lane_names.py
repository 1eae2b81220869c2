"""Lanes have letters on the screen unless the user named them."""

from __future__ import annotations

import pytest

from clipwatch.tui.text.lane_names import lane_name


@pytest.mark.parametrize(
    ("number", "name", "shown"),
    [(0, "unclipped", "A"), (1, "clipped", "B"), (25, "clipped", "Z"), (26, "clipped", "clipped"), (0, "fast", "fast")],
)
def test_default_names_become_letters_and_given_names_stay(number: int, name: str, shown: str) -> None:
    assert lane_name(number, name) == shown

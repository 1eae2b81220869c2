"""Lanes have letters on the screen unless the user named them."""

from __future__ import annotations

import pytest

from clipwatch.tui.text.lane_names import lane_name


@pytest.mark.parametrize(("name", "shown"), [("unclipped", "A"), ("clipped", "B"), ("fast", "fast"), ("B+1", "B+1")])
def test_default_names_become_letters_and_given_names_stay(name: str, shown: str) -> None:
    """Also where the clipped lane is the only one, as in a run that continues it with forks."""
    assert lane_name(name) == shown

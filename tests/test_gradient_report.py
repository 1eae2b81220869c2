"""The report on gradient norms: sentences that follow from the data, and a figure that loses no spike."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import numpy as np
import pytest
from measured import diagnosed
from test_report import SVG, events, page, story_of, text
from test_step_export import trained

from clipwatch.core.reports.blocks import Block, Bullets, Paragraph, Picture
from clipwatch.core.reports.gradient import gradient
from clipwatch.core.reports.gradient_figure import gradient_figure
from clipwatch.core.reports.phrases import LANGUAGES, Words
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import ClipChanged, Event

NORMS = RunConfig(lanes=(LaneConfig("unclipped", "none"), LaneConfig("clipped", "norm:2")))


def blocks(*more: Event, config: RunConfig | None = None, language: str = "en") -> list[Block]:
    return list(gradient(story_of(events(*more, config=config)), Words(language), ""))


def sentences(*more: Event, config: RunConfig | None = None) -> list[str]:
    return [str(item) for block in blocks(*more, config=config) if isinstance(block, Bullets) for item in block.items]


def labels(*more: Event, config: RunConfig | None = None, language: str = "en") -> list[str]:
    svg = gradient_figure(story_of(events(*more, config=config)), Words(language), "g")
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_each_lane_has_its_median_95th_percentile_maximum_and_share_of_steps_clipped() -> None:
    norms = [*range(1, 100), 500.0]
    told = sentences(
        trained("clipped", 0, norms, [norm > 2 for norm in norms]), trained("unclipped", 0, [3.0], [False])
    )
    assert told == [
        "Lane unclipped, 1 steps: median 3, 95th percentile 3, maximum 3 (at step 0). 0 steps (0.0%) were clipped.",
        "Lane clipped, 100 steps: median 50.5, 95th percentile 95, maximum 500 (at step 99). 98 steps (98.0%) were"
        " clipped.",
    ]


def test_norms_that_are_not_finite_are_counted_and_left_out() -> None:
    (told,) = sentences(trained("clipped", 0, [1.0, math.nan, 3.0, math.inf], [False] * 4))
    assert "median 2, 95th percentile 2.9, maximum 3 (at step 2)" in told
    assert told.endswith(
        "In 2 of the steps the norm was not finite; these do not count for median, percentile and maximum."
    )
    (told,) = sentences(trained("clipped", 0, [math.nan, math.nan], [True, False]))
    assert told == "Lane clipped, 2 steps: the norm was finite in none of them. 1 steps (50.0%) were clipped."


def test_without_every_step_it_says_so_and_draws_what_was_measured() -> None:
    found = blocks(*(diagnosed("clipped", step) for step in (0, 50)))
    assert [type(block) for block in found] == [Paragraph, Picture]
    (words,) = (str(block.text) for block in found if isinstance(block, Paragraph))
    assert "not recorded" in words
    assert blocks() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figure_is_in_the_page_in_every_language(language: str) -> None:
    story = story_of(events(trained("clipped", 0, [1.0, 2.0, 900.0], [False, False, True])))
    words = Words(language)
    shown = text(page(story, language=language))
    assert words.plain("gradient_text") in shown
    assert words.plain("caption_gradient", marks="") in shown
    assert words.plain("gradient_norm") in shown
    # Labels of powers are text, not the markup of matplotlib.
    assert "mathdefault" not in shown


def test_what_was_clipped_is_shares_of_elements_or_of_steps_as_the_rules_clip() -> None:
    steps = trained("clipped", 0, [1.0, 5.0], [False, True])
    element, step = "% of elements clipped", "% of steps clipped"
    assert element in (found := labels(steps, diagnosed("clipped")))
    assert step not in found
    assert step in (found := labels(steps, diagnosed("clipped"), config=NORMS))
    assert element not in found
    change = ClipChanged(lane="clipped", step=1, rule="norm:1", previous="value:0.001")
    assert {element, step} <= {*labels(steps, diagnosed("clipped"), change)}
    unclipped = RunConfig(lanes=(LaneConfig("unclipped", "none"), LaneConfig("clipped", "none")))
    assert not {element, step} & {*labels(steps, diagnosed("clipped"), config=unclipped)}


def test_one_spike_in_many_steps_is_drawn() -> None:
    quiet, spike = [1.0] * 100_000, [1.0] * 100_000
    spike[77_777] = 1e6
    assert "1e+06" not in labels(trained("clipped", 0, quiet, [False] * len(quiet)), config=NORMS)
    assert "1e+06" in labels(trained("clipped", 0, spike, [False] * len(spike)), config=NORMS)


def test_any_norms_can_be_drawn() -> None:
    for norms in ([0.0], [math.nan], [0.0, 1e-30, 3e38], np.geomspace(1e-20, 1e20, 50).tolist()):
        assert labels(trained("unclipped", 0, norms, [False] * len(norms)))

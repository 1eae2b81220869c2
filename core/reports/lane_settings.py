"""What the lanes of a run have of their own, and what two of them differ by, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ..stream.lane_differences import difference, settings_of, settings_that_differ
from .phrases import Words
from .run_summary import LaneSummary, RunSummary
from .settings import rule_words, setting_name


def lane_words(run: RunSummary, lane: LaneSummary, words: Words) -> str:
    """The rule that a lane started with, and what else it has of its own."""
    return words.plain("comma").join((rule_at_start(lane, words), *own_settings(run, lane, words)))


def rule_at_start(lane: LaneSummary, words: Words) -> str:
    """The rule that a lane started with, marked if it was changed mid-run."""
    rule = rule_words(lane.rule, words)
    return words.plain("with_changes", what=rule) if lane.rule_changed else rule


def own_settings(run: RunSummary, lane: LaneSummary, words: Words) -> tuple[str, ...]:
    """The settings beside the rule in which lanes of the run differ, and what the lane was forked from."""
    return tuple(_own_settings(run, lane, words))


def _own_settings(run: RunSummary, lane: LaneSummary, words: Words) -> Iterator[str]:
    known = run.state.lanes.get(lane.name)
    if known is None or run.watched:
        return
    differing, config = settings_that_differ(run.state), settings_of(run.state, known)
    if "learning_rate" in differing and lane.rate is not None:
        rate = words.plain("own_setting", setting=setting_name("learning_rate", words), value=f"{lane.rate:g}")
        yield words.plain("with_changes", what=rate) if known.rate_changed_at else rate
    if "optimizer" in differing and config:
        yield words.plain(f"optimizer_{config.optimizer}")
    if "beta1" in differing and config and config.optimizer == "adam":
        yield words.plain("own_setting", setting=setting_name("beta1", words), value=f"{config.beta1:g}")
    if known.parent is not None:
        yield words.plain("own_fork", parent=known.parent, step=known.forked_at)


def beside_rule(run: RunSummary, a: LaneSummary, b: LaneSummary, words: Words) -> str:
    """The settings beside the rule that two lanes differ by; empty if there are none."""
    if run.watched or not {a.name, b.name} <= run.state.lanes.keys():
        return ""
    return words.join([setting_name(name, words) for name in difference(run.state, a.name, b.name).beside_rule])


def differing_settings(run: RunSummary, words: Words) -> str:
    """The settings beside the rule in which any lanes of a run differ; empty if there are none."""
    found = [] if run.watched else settings_that_differ(run.state)
    return words.join([setting_name(name, words) for name in found if name != "rule"])

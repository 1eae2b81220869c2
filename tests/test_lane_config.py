"""The settings that a lane has of its own: as text, as TOML, as a command, and every mistake in one line."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.command_line import command_line, sweep_command_line
from clipwatch.core.stream.commands import SetClip, planned_changes
from clipwatch.core.stream.config import LaneConfig, RunConfig, from_options, to_toml
from clipwatch.core.stream.lane_config import OPTIMIZERS, lanes_of, read_lane
from clipwatch.core.stream.rules import MEANINGS
from clipwatch.core.stream.sweep_config import sweep_of_run
from clipwatch.tui.cli.main import parse
from clipwatch.tui.cli.settings import run_config
from clipwatch.tui.cli.sweep_options import sweep_from_options

RULES = st.sampled_from([*MEANINGS])
LANES = st.lists(
    st.builds(
        LaneConfig,
        st.sampled_from(["clipped", "unclipped", "-a"]) | st.from_regex(r"[\w.+-]{1,24}", fullmatch=True),
        RULES,
        learning_rate=st.none() | st.floats(1e-300, 1e300),
        optimizer=st.none() | st.sampled_from(OPTIMIZERS),
        beta1=st.none() | st.floats(0, 1, exclude_max=True),
        clip_at=st.dictionaries(st.integers(1, 10**15), RULES, max_size=3),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda lane: lane.name,
).map(tuple)
FAST = LaneConfig("fast", "norm:1", learning_rate=0.01, optimizer="sgd", clip_at={20: "none"})


def from_line(*arguments: str) -> RunConfig:
    return run_config(parse(list(arguments)), environment={})


@given(LANES)
def test_lanes_are_read_back_from_toml_and_from_the_command_of_their_run(lanes: tuple[LaneConfig, ...]) -> None:
    config = RunConfig(lanes=lanes)
    assert from_options(tomllib.loads(to_toml(config))).lanes == lanes
    program, *arguments = shlex.split(command_line(config))
    assert (program, from_line(*arguments).lanes) == ("clipwatch", lanes)


@given(LANES)
def test_a_lane_is_read_back_from_its_text(lanes: tuple[LaneConfig, ...]) -> None:
    for lane in lanes:
        assert read_lane(lane.name, lane.text) == msgspec.structs.replace(lane, clip_at={})


def test_a_table_and_a_text_say_the_same(tmp_path: Path) -> None:
    table = {"rule": "norm:1", "lr": 0.01, "optimizer": "sgd", "clip_at": {"20": "none"}}
    assert lanes_of({"fast": table}) == (FAST,)
    line = ["--lane", "fast=norm:1, lr=1e-2, optimizer=sgd", "--clip-at", "20", "fast=none"]
    assert from_line(*line).lanes == (FAST,)
    file = tmp_path / "run.toml"
    file.write_text('clip = "norm:1"\nclip_at = { 20 = "norm:5", 30 = "unclipped=sign" }\n')
    unclipped, clipped = from_line("--config", str(file)).lanes
    assert (unclipped.clip_at, clipped.clip_at) == ({30: "sign"}, {20: "norm:5"})
    assert from_line("--config", str(file), "--lane", "a=none").lanes == (LaneConfig("a", "none"),)


def test_another_rule_of_the_clipped_lane_leaves_its_other_settings() -> None:
    lanes = {"clipped": {"rule": "none", "learning_rate": 0.1, "clip_at": {"5": "sign"}}}
    (lane,) = from_options({"lanes": lanes, "clip": "norm:1"}).lanes
    assert lane == LaneConfig("clipped", "norm:1", learning_rate=0.1, clip_at={5: "sign"})


def test_a_lane_has_the_settings_of_the_run_where_it_has_none_of_its_own() -> None:
    run = RunConfig(lanes=(FAST, LaneConfig("plain", "none")), beta1=0.9)
    fast, plain = (run.for_lane(lane) for lane in run.lanes)
    assert (fast.learning_rate, fast.optimizer, fast.beta1) == (0.01, "sgd", 0.9)
    assert plain == run


def test_later_rules_are_commands_of_their_lane_in_the_order_of_their_steps() -> None:
    lane = LaneConfig("a", "none", clip_at={300: "norm:5", 20: "norm:01"})
    assert list(planned_changes([lane])) == [
        SetClip(lane="a", rule="norm:1", at_step=20),
        SetClip(lane="a", rule="norm:5", at_step=300),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("norm:1,lr", "lane a: 'lr' is not a setting; write NAME=VALUE, like lr=0.01"),
        ("norm:1,", "lane a: '' is not a setting"),
        ("norm:1,lr=", "lane a: learning-rate '': not a number"),
        ("norm:1,lr=fast", "lane a: learning-rate 'fast': not a number"),
        ("norm:1,lr=0", "lane a: learning-rate 0.0: must be a finite number above 0"),
        ("norm:1,lr=nan", "lane a: learning-rate nan: must be a finite number above 0"),
        ("norm:1,lr=1e999", "lane a: learning-rate inf: must be a finite number above 0"),
        ("norm:1,lr=1,learning-rate=1", "lane a: learning-rate is given twice"),
        ("norm:1,beta1=1", "lane a: beta1 1.0: must be at least 0 and below 1"),
        ("norm:1,optimizer=sdg", "lane a: unknown optimizer 'sdg' (did you mean 'sgd'?); select one of adam, sgd"),
        ("norm:1,beta=0.9", "lane a: no setting 'beta' of a lane (did you mean 'beta1'?); a lane can have its own lr"),
        ("", "lane a: clip rule ''"),
        (",lr=1", "lane a: clip rule ''"),
        ("nrm:1,lr=1", "lane a: clip rule 'nrm:1': not a rule; did you mean norm:1?"),
    ],
)
def test_a_mistake_in_a_lane_is_one_line_that_names_it(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        from_line("--lane", f"a={text}")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"lr": 1}, "lane a: write its rule, like rule"),
        ({"rule": 3}, "lane a: write its rule"),
        ({"rule": "none", "lr": True}, "lane a: learning-rate True: not a number"),
        ({"rule": "none", "lr": [1]}, "lane a: learning-rate [1]: not a number"),
        ({"rule": "none", "lr": 10**400}, "lane a: learning-rate 1"),
        ({"rule": "none", "lr": 1, "learning_rate": 1}, "lane a: learning-rate is given twice"),
        ({"rule": "none", "optimizer": 3}, "lane a: unknown optimizer 3"),
        ({"rule": "none", "clip_at": "norm:1"}, 'lane a: clip_at: write a table of STEP = "RULE"'),
        ({"rule": "none", "clip_at": {"5": 3}}, 'lane a: clip_at: write a table of STEP = "RULE"'),
        ({"rule": "none", "clip_at": {"soon": "norm:1"}}, "lane a: clip-at 'soon': not a step"),
        ({"rule": "none", "clip_at": {"5": "nrm:1"}}, "lane a: clip rule 'nrm:1'"),
        ({"rule": "none", "clip_at": {"5": "none", "05": "none"}}, "lane a: clip-at 5 is given twice"),
        ({"rule": "none", "pace": 5}, "lane a: no setting 'pace' of a lane"),
    ],
)
def test_so_is_one_in_a_table(table: dict[str, object], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        from_options({"lanes": {"a": table}})
    assert str(caught.value).startswith(message)


def test_a_lane_of_neither_kind_names_both() -> None:
    with pytest.raises(
        BadInput, match=r'^lanes: write a table of NAME = "RULE", or of NAME = {rule = "RULE", lr = X}$'
    ):
        from_options({"lanes": {"a": 1}})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "norm:1"], "lane clipped: clip-at 'x': not a step"),
        (["0", "norm:1"], "lane clipped: clip-at 0: a step from 1 to 10^15"),
        (["-5", "norm:1"], "lane clipped: clip-at -5: a step from 1 to 10^15"),
        (["5.0", "norm:1"], "lane clipped: clip-at '5.0': not a step"),
        (["5", "nrm:1"], "lane clipped: clip rule 'nrm:1'"),
        (["5", "x=none"], "clip-at 5 x=none: no lane is named 'x', there are unclipped, clipped; write STEP NAME=RULE"),
        (["5", "=none"], "clip-at 5 =none: no lane is named ''"),
        (["5", "none", "--clip-at", "5", "clipped=norm:1"], "lane clipped: clip-at 5 is given twice"),
        (["5", "none", "--lane", "a=none"], "clip-at 5 none: no lane is named 'clipped', there are a"),
    ],
)
def test_a_mistake_in_a_later_rule_is_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        from_line("--clip-at", *arguments)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("given", [3, "5=norm:1", {"5": 3}])
def test_later_rules_in_a_file_are_a_table(given: object) -> None:
    with pytest.raises(BadInput, match="clip-at: write a table of STEP"):
        from_options({"clip_at": given})


def test_a_later_rule_may_be_beyond_the_end_since_a_run_can_be_extended() -> None:
    assert from_line("--iterations", "10", "--clip-at", "500", "none").lanes[1].clip_at == {500: "none"}


# Sweeps, which have no lanes


def test_a_sweep_of_a_run_has_each_of_its_lanes_among_its_settings() -> None:
    lanes = (
        LaneConfig("a", "norm:1", learning_rate=0.01),
        LaneConfig("b", "none", optimizer="sgd", beta1=0.9, clip_at={5: "sign"}),
        LaneConfig("c", "none", learning_rate=0.01),
    )
    run = RunConfig(lanes=lanes, settings={"dataset": "digits"})
    sweep = sweep_of_run(run, "digits")
    assert sweep.axes == {"clip": ("norm:1", "none"), "learning_rate": (0.01, 0.001), "optimizer": ("adam", "sgd")}
    trained = {(each.rule, each.config.learning_rate, each.config.optimizer) for each in sweep.settings}
    assert trained >= {(lane.rule, of.learning_rate, of.optimizer) for lane in lanes for of in [run.for_lane(lane)]}
    # No lane's own settings are left that would hold beside those of an axis.
    assert all(not lane.own_settings and not lane.clip_at for each in sweep.settings for lane in each.config.lanes)
    _, *arguments = shlex.split(sweep_command_line(run, "digits"))
    assert sweep_from_options(parse(arguments)).axes == sweep.axes


def test_what_all_lanes_have_is_no_axis() -> None:
    lanes = (LaneConfig("a", "norm:1", learning_rate=0.01), LaneConfig("b", "none", learning_rate=0.01))
    run = RunConfig(lanes=lanes)
    assert sweep_of_run(run, "digits").axes == {"clip": ("norm:1", "none")}
    assert {each.config.learning_rate for each in sweep_of_run(run, "digits").settings} == {0.01}
    assert "--learning-rate 0.01 " in sweep_command_line(run, "digits")


def test_the_learning_rates_of_an_experiments_own_optimizer_are_no_axis() -> None:
    lanes = (LaneConfig("a", "norm:1", learning_rate=0.01), LaneConfig("b", "none"))
    run = RunConfig(experiment="mine.py", lanes=lanes)
    assert sweep_of_run(run, "data", own_optimizer=True).axes == {"clip": ("norm:1", "none")}
    assert "--learning-rate" not in sweep_command_line(run, "data", own_optimizer=True)


def test_a_sweep_says_that_it_has_neither_lanes_nor_later_rules(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    for line, message in [("lanes = {}", "a sweep has no lanes"), ("clip_at = {}", "one rule from start to end")]:
        file.write_text(line)
        with pytest.raises(BadInput, match=message):
            sweep_from_options(parse(["sweep", "--config", str(file)]))

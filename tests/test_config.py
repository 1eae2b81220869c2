"""A run's description: defaults, the command line, TOML, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.config import (
    DEFAULT_LANES,
    LaneConfig,
    RunConfig,
    from_options,
    read_toml,
    to_toml,
    with_settings,
)
from clipwatch.core.stream.experiment_info import Value
from clipwatch.tui.cli.main import parse
from clipwatch.tui.cli.settings import run_config

FULL = RunConfig(
    settings={"dataset": "digits", "init_std": 0.2, "head": "linear"},
    data_dir="some dir",
    offline=True,
    seed=2**63 - 1,
    iterations=7,
    batch_size=3,
    eval_every=2,
    eval_size=5,
    learning_rate=0.1,
    beta1=0.9,
    optimizer="sgd-momentum",
    reset_moments=True,
    nonfinite="skip",
    lanes=(LaneConfig("a", "none"), LaneConfig("b", "value:-0.1:0.2")),
    pace=12.5,
    device="cuda:0",
)


def from_line(*arguments: str, environment: dict[str, str] | None = None) -> RunConfig:
    return run_config(parse(list(arguments)), environment or {})


def test_defaults_are_the_assignments() -> None:
    config = from_line()
    assert (config.iterations, config.batch_size, config.eval_every, config.eval_size) == (1000, 8, 10, 100)
    assert (config.learning_rate, config.beta1, *config.settings.values()) == (0.001, 0.5, "auto", "relu", 0.1)
    assert [(lane.name, lane.rule) for lane in config.lanes] == [("unclipped", "none"), ("clipped", "value:0.001")]
    assert config.pace is None
    assert (config.optimizer, config.reset_moments, config.nonfinite) == ("adam", False, "propagate")


@pytest.mark.parametrize("config", [RunConfig(), FULL], ids=["default", "full"])
def test_toml_and_options_give_the_same_run_back(config: RunConfig, tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text(to_toml(config), encoding="utf-8")
    assert from_options(read_toml(file)) == config
    assert from_line("--config", str(file)) == config


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_text('seed = 3\niterations = 50\noffline = false\nclip = "value:0.5"\n', encoding="utf-8")
    config = from_line("--config", str(file), "--seed", "4")
    assert (config.seed, config.iterations, config.offline) == (4, 50, False)
    assert config.lanes[1].rule == "value:0.5"
    assert from_line("--config", str(file), "--clip", "value:0.1").lanes[1].rule == "value:0.1"
    assert from_line("--config", str(file), "--lane", "x=none").lanes == (LaneConfig("x", "none"),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_may_begin_with_a_byte_order_mark(encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_bytes('seed = 3\r\n[lanes]\n"裁剪" = "none"\n'.encode(encoding))
    config = from_line("--config", str(file))
    assert (config.seed, config.lanes) == (3, (LaneConfig("裁剪", "none"),))


def test_lanes_replace_both_and_clip_sets_the_clipped_one() -> None:
    assert from_line("--lane", "a=none", "--lane", "b=value:1").lanes == (
        LaneConfig("a", "none"),
        LaneConfig("b", "value:1"),
    )
    assert from_line("--clip", "value:1e-2").lanes == (DEFAULT_LANES[0], LaneConfig("clipped", "value:0.01"))


def test_no_two_lanes_have_one_name() -> None:
    with pytest.raises(BadInput, match="lanes a, a: each name once"):
        RunConfig(lanes=(LaneConfig("a", "none"), LaneConfig("a", "value:1")))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "mnits"], "unknown dataset 'mnits' (did you mean 'mnist'?)"),
        (["--head", "round"], "unknown head 'round'"),
        (["--clip", "value:2:1"], "clip rule 'value:2:1'"),
        (["--clip", "none", "--lane", "a=none"], "no lane has that name"),
        (["--lane", "a"], "--lane 'a': write NAME=RULE"),
        (["--lane", "a=none", "--lane", "a=none"], "another lane is named"),
        (["--lane", "a b=none"], "lane name 'a b'"),
        (["--lane", "=none"], "lane name ''"),
        (["--iterations", "0"], "iterations 0: must be 1 or more"),
        (["--iterations", "-5"], "iterations -5"),
        (["--batch-size", "0"], "batch-size 0"),
        (["--eval-every", "0"], "eval-every 0"),
        (["--eval-size", "-1"], "eval-size -1"),
        (["--seed", "-1"], "seed -1"),
        (["--seed", str(2**63)], "seed"),
        (["--seed", str(10**30)], "seed"),
        (["--learning-rate", "0"], "learning-rate 0.0: must be a finite number above 0"),
        (["--learning-rate", "nan"], "learning-rate nan"),
        (["--learning-rate", "inf"], "learning-rate inf"),
        (["--init-std", "-1"], "init-std -1.0"),
        (["--beta1", "1"], "beta1 1.0"),
        (["--optimizer", "sdg"], "did you mean 'sgd'?"),
        (["--nonfinite", "stopp"], "did you mean 'stop'?"),
        (["--beta1", "nan"], "beta1 nan"),
        (["--pace", "0"], "pace 0.0: must be above 0, or max"),
        (["--pace", "nan"], "pace nan"),
        (["--config", "missing.toml"], "config file missing.toml: No such file"),
        (["--config", "."], "config file .: Is a directory"),
        (["--config", ""], "path '': name a file or a folder"),
        (["--iterations", str(10**30)], "iterations"),
        (["--data-dir", "\udcff"], "data-dir '\\udcff': must be valid Unicode"),
        (["--device", "\udcff"], "device"),
        (["--lane", "a="], "clip rule ''"),
        (["--lane", f"{'x' * 25}=none"], "lane name"),
        (["--pace", "-1"], "pace -1.0"),
        (["--pace", "inf"], "pace inf"),
        (["--beta1", "-0.1"], "beta1 -0.1"),
        (["--init-std", "nan"], "init-std nan"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(BadInput) as caught:
        from_line(*arguments)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = ", "not TOML"),
        ("\xff", "not TOML"),
        ("sede = 1", "unknown setting 'sede' (did you mean 'seed'?)"),
        ('seed = "one"', "seed 'one'"),
        ("seed = 1.5", "seed 1.5"),
        ("seed = true", "seed True"),
        ("iterations = 0", "iterations 0"),
        ("lanes = 3", "lanes: write a table"),
        ("lanes = {}", "lanes none given"),
        ("[lanes]\na = 1", "lanes: write a table"),
        ("clip = 0.001", "write a rule in quotes"),
        ('pace = "fast"', "pace 'fast'"),
        ("head = 1", "head 1"),
        ("offline = 1", "offline 1"),
        ("data_dir = 3", "data-dir 3"),
        ("dataset = []", "dataset []"),
        ("learning_rate = nan", "learning-rate nan"),
        ("seed = 2026-01-01", "seed"),
        ("seed = " + "9" * 5000, "not TOML"),
        ("seed = " + "[" * 5000, "not TOML"),
        ("batch-size = 3", "did you mean 'batch_size'?"),
    ],
)
def test_a_bad_file_is_refused(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "run.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput) as caught:
        from_line("--config", str(file))
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["config", "settings", "seed", "self"])
def test_a_setting_of_a_users_experiment_may_have_any_name(name: str) -> None:
    config = from_options({"experiment": "mine.py", "settings": {name: "small"}})
    assert with_settings(config, **{name: "large"}).settings == {name: "large"}


@pytest.mark.parametrize("settings", [{"note": "\udcff"}, {"\udcff": 1}])
def test_a_setting_that_cannot_be_recorded_is_refused(settings: dict[str, Value]) -> None:
    with pytest.raises(BadInput, match=r"^\S+ \S+: must be valid Unicode$"):
        RunConfig(experiment="mine.py", settings=settings)

"""The command that repeats a run: the command line reads it as the same settings."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_state import EVALUATED, FINISHED, LANE, RUN, folded

from clipwatch.core.stream.builtin_experiments import DATASETS
from clipwatch.core.stream.command_line import command_line
from clipwatch.core.stream.config import NONFINITE, LaneConfig, RunConfig, from_options
from clipwatch.core.stream.events import ClipChanged, LaneExtended
from clipwatch.core.stream.lane_config import OPTIMIZERS
from clipwatch.core.stream.rules import MEANINGS
from clipwatch.tui.cli.main import parse
from clipwatch.tui.cli.settings import run_config
from clipwatch.tui.text.summary import lane_summary, repeating_command

LANES = st.lists(
    st.builds(LaneConfig, st.from_regex(r"[\w.+-]{1,24}", fullmatch=True), st.sampled_from([*MEANINGS])),
    min_size=1,
    max_size=3,
    unique_by=lambda lane: lane.name,
).map(tuple)
CONFIGS = st.builds(
    RunConfig,
    settings=st.fixed_dictionaries({"dataset": st.sampled_from(DATASETS), "head": st.sampled_from(["relu", "linear"])}),
    data_dir=st.none() | st.sampled_from(["-odd", "a b", "it's"]),
    offline=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
    iterations=st.integers(1, 10**15),
    learning_rate=st.floats(1e-9, 10),
    beta1=st.floats(0, 0.99),
    optimizer=st.sampled_from(OPTIMIZERS),
    reset_moments=st.booleans(),
    nonfinite=st.sampled_from(NONFINITE),
    diagnostics=st.booleans(),
    lanes=st.sampled_from([RunConfig().lanes, (RunConfig().lanes[0], LaneConfig("clipped", "norm:1"))]) | LANES,
    device=st.sampled_from(["cpu", "cuda:1"]),
)


def read_back(config: RunConfig) -> RunConfig:
    """The run that the command of a run trains."""
    program, *arguments = shlex.split(command_line(config))
    assert program == "clipwatch"
    return run_config(parse(arguments), environment={})


@given(CONFIGS)
def test_the_command_is_read_as_the_same_settings(config: RunConfig) -> None:
    assert read_back(config) == config


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "length": st.integers(10, 999),
            "units": st.integers(1, 999),
            "init_std": st.floats(1e-9, 10),
            "init": st.sampled_from(["gaussian", "orthogonal"]),
        },
    ),
    st.floats(1e-9, 10),
    st.sampled_from(["none", "norm:1", "norm:5"]),
)
def test_so_is_that_of_another_experiment(settings: dict[str, Any], rate: float, rule: str) -> None:
    given = {"experiment": "temporal-order", "settings": settings, "learning_rate": rate, "clip": rule}
    config = from_options(given)
    assert read_back(config) == config


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_][a-z0-9_]*", fullmatch=True) | st.sampled_from(["head", "dataset", "seed", "layers"]),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.integers() | st.booleans(),
        max_size=3,
    )
)
def test_so_is_that_of_ones_own_experiment_whose_settings_are_read_as_text(settings: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="it's a folder ") as folder:
        file = Path(folder, "my experiment.py")
        file.touch()
        config = from_options({"experiment": f"{file}:Mine", "settings": settings, "layers": 2})
        read = read_back(config)
    assert read.settings == {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()
    }
    assert msgspec.structs.replace(read, settings=settings) == config


@pytest.mark.parametrize(
    ("config", "command"),
    [
        (RunConfig(), "clipwatch --dataset auto --seed 0"),
        (
            from_options({"experiment": "temporal-order", "length": 30, "init_std": 0.2}),
            "clipwatch --experiment temporal-order --set length=30 --init-std 0.2 --seed 0",
        ),
        (RunConfig(pace=5.0, seed=3), "clipwatch --dataset auto --seed 3"),
        (
            RunConfig(settings={"dataset": "digits"}, lanes=(RunConfig().lanes[0], LaneConfig("clipped", "norm:1"))),
            "clipwatch --dataset digits --seed 0 --clip norm:1",
        ),
    ],
)
def test_the_command_is_short(config: RunConfig, command: str) -> None:
    assert command_line(config) == command


def test_the_command_names_the_data_that_were_found_and_the_steps_that_were_trained() -> None:
    extended = folded(RUN, LANE, FINISHED, LaneExtended(lane="a", step=100, iterations=150))
    assert "--dataset digits " in f"{repeating_command(extended)} "
    assert "--iterations 150 " in f"{repeating_command(extended)} "
    assert repeating_command(folded()) is None


def test_a_lanes_summary_is_one_line_that_stands_alone() -> None:
    change = ClipChanged(lane="a", step=12, rule="none", previous="value:0.001")
    begun = lane_summary(folded(RUN, LANE, change, EVALUATED), 0)
    assert begun.startswith("a: clip none, changed mid-run; digits, seed 0, ReLU on the logits; steps: 31, training")
    assert "accuracy 0.5 and loss 1.0000 on 100 images" in begun
    ended = lane_summary(folded(RUN, LANE, FINISHED), 0)
    assert "accuracy 0.600 (0.231-0.882) and loss 1.0000 on all 5 images" in ended
    assert "\n" not in begun + ended

"""Near misses on the command line: what was probably meant is named."""

from __future__ import annotations

import re
import shlex

import pytest

from clipwatch.core.errors import BadInput
from clipwatch.tui.cli.main import COMMANDS, parse
from clipwatch.tui.cli.suggestions import _SYNONYMS

LONG = [(command, name) for command, each in COMMANDS.items() for name in each.by_name if name.startswith("--")]


def answer(*arguments: str) -> str:
    """What a command line that is refused is answered with."""
    with pytest.raises(BadInput) as caught:
        parse([*arguments])
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--lr 0.1", "unknown option --lr; did you mean --learning-rate?"),
        ("--steps 5", "unknown option --steps; did you mean --iterations?"),
        ("--epochs=5", "unknown option --epochs; did you mean --iterations?"),
        ("--iter 5", "unknown option --iter; did you mean --iterations?"),
        ("--batch_size 5", "did you mean --batch-size?"),
        ("-seed 5", "did you mean --seed?"),
        ("--web --lr 1", "did you mean --learning-rate?"),
        ("--xyzzy", "unknown option --xyzzy; see clipwatch --help"),
        ("resume last --steps 5", "did you mean --iterations?"),
        ("replay last --pace 5", "did you mean --speed?"),
        ("--seeds 5", "'clipwatch' has no option --seeds; 'clipwatch sweep' has it"),
        ("resume last --clip norm:1", "no option --clip; 'clipwatch' and 'clipwatch sweep' have it"),
        ("sweep --version", "'clipwatch sweep' has no option --version; 'clipwatch' has it"),
        ("swep", "unknown command 'swep'; did you mean 'clipwatch sweep'?"),
        ("resum last", "did you mean 'clipwatch resume'?"),
        ("train --seed 3", "unknown command 'train'; did you mean 'clipwatch'?"),
        ("help", "did you mean 'clipwatch --help'?"),
        ("--seed 3 sweep", "the command goes first: clipwatch sweep [OPTIONS]"),
        ("sweep last", "unexpected argument 'last'; see clipwatch sweep --help"),
        ("--clip 0.001", "write value:0.001 to clamp each element, or norm:0.001 to bound the norm"),
        ("--clip nrom:2", "clip rule 'nrom:2': not a rule; did you mean norm:2?"),
        ("sweep --clip vlaue:-1:2", "did you mean value:-1:2?"),
        ("sweep --print-config", "--print-config works only for runs"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(line: str, words: str) -> None:
    assert words in answer(*line.split())


@pytest.mark.parametrize(("command", "name"), LONG)
def test_every_option_of_every_command_is_found_from_a_misspelling(command: str, name: str) -> None:
    misspelt = name + name[-1]
    assert answer(*command.split(), misspelt) == f"unknown option {misspelt}; did you mean {name}?"


def test_every_synonym_stands_for_an_option_and_is_none() -> None:
    assert {*_SYNONYMS.values()} <= {name for _, name in LONG}
    for command, name in LONG:
        assert _SYNONYMS.get(name) not in COMMANDS[command].by_name


@pytest.mark.parametrize("line", ["--clip 0.001", "--clip -3", "--clip abc", "sweep --clip 0.001"])
def test_a_wrong_rule_is_answered_with_a_command_line_that_works(line: str) -> None:
    (example,) = re.findall(r"\(example: clipwatch (.*)\)$", answer(*line.split()))
    assert parse(shlex.split(example)).clip


@pytest.mark.parametrize(
    "line",
    [
        "--data-dir=-data --seed=3",
        "report -oout.md a b",
        "export last --csv -",
        "sweep --seed 1 --seed 2",
        "verify -- --lr",
    ],
)
def test_what_argparse_understands_is_left_to_it(line: str) -> None:
    assert parse(line.split())


def test_nothing_after_help_is_looked_at() -> None:
    with pytest.raises(SystemExit, match="0"):
        parse(["--help", "--lr"])

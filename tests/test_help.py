"""The help, and the completion of shells: what they say is what the program does."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.rules import MEANINGS, parse_rule
from clipwatch.core.stream.sweep_config import SEEDS, WITHOUT_EFFECT
from clipwatch.tui.cli.main import COMMANDS, main, parse
from clipwatch.tui.cli.options import SET, Group, Option
from clipwatch.tui.cli.sweep_options import DEFAULT_RULES, SWEEP_GROUPS, sweep_from_options


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit, match="0"):
        main([*arguments])
    return capsys.readouterr().out


def described(text: str) -> set[str]:
    """The options that a help text describes."""
    return set(re.findall(r"(?<=^  )--[\w-]+|(?<=, )--[\w-]+(?= )", text, re.MULTILINE))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_describes_its_own_options_alone(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, *name.split(), "--help")
    assert described(text) == {option for option in COMMANDS[name].by_name if option.startswith("--")}
    assert max(map(len, text.splitlines())) <= 80


def test_the_help_begins_with_every_command_and_ends_with_examples_and_rules(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed(capsys, "--help")
    listed, examples, rules = (
        text.partition(f"{title}:\n")[2].partition("\n\n")[0].splitlines()
        for title in ("commands", "examples", r"clip rules (RULE)")
    )
    assert [line.split()[0] for line in listed[1:]] == [name for name in COMMANDS if name and " " not in name]
    assert text.index("commands:") < text.index("\ndata:")
    assert len(examples) == 5
    for line in examples:
        parse(shlex.split(line.split("   ")[0])[1:])
    assert [tuple(re.split("  +", line.strip())) for line in rules] == [*MEANINGS.items()]
    assert all(str(parse_rule(rule)) == rule for rule in MEANINGS)


def settings(title: str) -> list[Option]:
    (group,) = (group for group in SWEEP_GROUPS if group.title.startswith(title))
    assert isinstance(group, Group)
    return [*group.options]


VALUES: dict[str, tuple[Any, Any]] = {
    "experiment": ("lenet", "temporal-order"),
    "dataset": ("mnist", "digits"),
    "clip": ("none", "norm:1"),
    "head": ("relu", "linear"),
    "optimizer": ("adam", "sgd"),
    "nonfinite": ("skip", "zero"),
    "learning_rate": (0.1, 0.2),
    "beta1": (0.1, 0.2),
    "init_std": (0.1, 0.2),
}


def twice(option: Option) -> list[str]:
    values = VALUES.get(option.setting, (1, 2))
    return ["sweep", *(word for value in values for word in (option.names[0], str(value)))]


COMPARED = [each for each in settings("settings to compare") if each.names != SET.names]


@pytest.mark.parametrize("option", COMPARED, ids=lambda option: option.names[0])
def test_what_may_be_repeated_makes_an_axis_of_a_sweep(option: Option) -> None:
    axes = sweep_from_options(parse(twice(option))).axes
    assert axes[option.setting] == VALUES.get(option.setting, (1, 2))
    assert axes.keys() == {"clip", option.setting}


def test_a_setting_of_the_experiment_makes_an_axis_of_its_type() -> None:
    words = "--experiment temporal-order --set length=20 --set length=30 --set init=orthogonal --init-std 0.2"
    config = sweep_from_options(parse(["sweep", *words.split()]))
    assert config.axes == {"clip": ("none", "norm:1"), "length": (20, 30)}
    assert [each.config.settings["length"] for each in config.settings] == [20, 30, 20, 30]
    assert (config.base.settings["init"], config.base.settings["init_std"]) == ("orthogonal", 0.2)
    assert config.base.learning_rate == 0.3
    assert sweep_from_options(parse(["sweep", "--set", "head=relu", "--set", "head=linear"])).axes == {
        "clip": DEFAULT_RULES,
        "head": ("relu", "linear"),
    }


@pytest.mark.parametrize("option", settings("settings that all"), ids=lambda option: option.names[0])
def test_what_all_trainings_share_is_given_once(option: Option) -> None:
    if not option.needs_value:
        return
    with pytest.raises(BadInput, match=r"give it once|only one file|config file"):
        sweep_from_options(parse(twice(option)))


def test_the_defaults_of_a_sweep_are_those_that_its_help_names(capsys: pytest.CaptureFixture[str]) -> None:
    config = sweep_from_options(parse(["sweep"]))
    assert (config.axes, config.seeds) == ({"clip": DEFAULT_RULES}, SEEDS)
    text = " ".join(printed(capsys, "sweep", "--help").split())
    assert f"repeat it for each rule to compare (default: {' and '.join(DEFAULT_RULES)})" in text
    assert f"number of seeds (default: {SEEDS})" in text
    assert not {f"--{name.replace('_', '-')}" for name in WITHOUT_EFFECT} & described(text)


# Completion


def test_the_script_for_bash_completes_commands_options_and_values(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "one-sweep").mkdir()
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    lines = {
        "clipwatch swee": ["sweep"],
        "clipwatch --learn": ["--learning-rate"],
        "clipwatch --optimizer sgd-": ["sgd-momentum"],
        "clipwatch resume --it": ["--iterations"],
        "clipwatch sweep --pac": [],
        "clipwatch runs ren": ["rename"],
        "clipwatch experiment ne": ["new"],
        "clipwatch experiment show temp": ["temporal-order"],
        "clipwatch --experiment le": ["lenet"],
        "clipwatch runs --since 3d --cha": ["--changed"],
        "clipwatch runs delete --y": ["--yes"],
        "clipwatch --charts dead-": ["dead-outputs", "dead-units"],
        "clipwatch report --lang ": ["en", "zh"],
        "clipwatch compare --js": ["--json"],
        "clipwatch replica one-": ["one-sweep"],
    }
    for line, found in lines.items():
        words = line.split(" ")
        asked = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _shtab_clipwatch"
        done = subprocess.run(
            ["bash", "-c", f'{script}\n{asked}; echo "${{COMPREPLY[@]}}"'],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        assert done.stdout.split() == found, line


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_the_script_of_every_shell_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(name.rpartition(" ")[2] in script for name in COMMANDS)
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)

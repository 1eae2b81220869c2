"""Experiments on the command line: selected, set, listed, shown and begun."""

from __future__ import annotations

import hashlib
import inspect
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import msgspec
import program
import pytest
from test_sweep import started

from clipwatch.core.errors import BadInput
from clipwatch.core.experiments.experiment import Experiment
from clipwatch.core.experiments.starting_file import starting_text
from clipwatch.core.runs.own_code import code_file, code_notices
from clipwatch.core.stream.builtin_experiments import BUILT_IN
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.experiment_info import ExperimentInfo
from clipwatch.core.stream.sweep_config import SweepConfig
from clipwatch.core.sweeps.store import SweepWriter, create_sweep
from clipwatch.tui.cli import sweep_command
from clipwatch.tui.cli.experiment_settings import warn_without_effect
from clipwatch.tui.cli.main import main, parse
from clipwatch.tui.cli.settings import run_config
from clipwatch.tui.cli.sweep_options import sweep_from_options
from clipwatch.tui.engine_child.request import ScreenOptions
from clipwatch.tui.live import run

# Leaves a file behind when it is imported.
MARKER = """
import pathlib
print("imported")
pathlib.Path(__file__).with_name("imported").touch()
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with an experiment in a folder whose name has a space, which is the current one."""
    folder = tmp_path / "my folder"
    folder.mkdir()
    monkeypatch.chdir(folder)
    file = folder / "mine.py"
    file.write_text(starting_text("mine.py") + MARKER, encoding="utf-8")
    return file


def from_line(words: str) -> RunConfig:
    return run_config(parse(shlex.split(words)), {})


def sweep(words: str) -> SweepConfig:
    return sweep_from_options(parse(["sweep", *shlex.split(words)]))


@pytest.mark.parametrize("experiment", ["mine.py", "temporal-order"])
def test_only_a_users_experiment_may_have_other_charts(
    experiment: str, mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[ScreenOptions] = []
    monkeypatch.setattr(run, "show", lambda screen, **given: shown.append(screen.options) or 0)
    words = f"--experiment {experiment} --charts loss,bits-per-word"
    if experiment == "mine.py":
        assert main(shlex.split(words)) == 0
        assert [options.charts for options in shown] == [("loss", "bits-per-word")]
    else:
        assert "there is no chart 'bits-per-word'" in refused(capsys, words)


def refused(capsys: pytest.CaptureFixture[str], words: str) -> str:
    """The one line with which the program refuses a command."""
    assert main(shlex.split(words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    return line


# Options


def test_the_settings_of_a_built_in_experiment_are_set_by_name_and_have_their_types() -> None:
    config = from_line("--experiment temporal-order --set length=30 --set init=orthogonal --init-std 0.2")
    assert config.settings == {"length": 30, "units": 50, "init_std": 0.2, "init": "orthogonal"}
    assert (
        from_line("--set head=linear --set init-std=0.3").settings == from_line("--head linear --init-std 0.3").settings
    )


def test_an_experiment_brings_its_own_defaults() -> None:
    config = from_line("--experiment temporal-order")
    assert [lane.rule for lane in config.lanes] == ["none", "norm:1"]
    assert (config.optimizer, config.learning_rate, config.batch_size) == ("sgd", 0.3, 20)
    assert sweep("--experiment temporal-order").axes == {"clip": ("none", "norm:1")}
    assert from_line("--experiment temporal-order --clip norm:5").lanes[1].rule == "norm:5"


def test_the_settings_of_ones_own_experiment_are_taken_as_they_are(mine: Path) -> None:
    config = from_line("--experiment mine.py:Mine --set hidden=128 --set note='a = b'")
    assert config.experiment == f"{mine}:Mine"
    assert config.settings == {"hidden": "128", "note": "a = b"}
    axes = sweep("--experiment mine.py --set hidden=64 --set hidden=256 --learning-rate 0.1 --learning-rate 0.2").axes
    assert axes == {"clip": ("none", "norm:1"), "hidden": ("64", "256"), "learning_rate": (0.1, 0.2)}
    assert not mine.with_name("imported").exists()


def test_options_override_single_settings_of_a_file(mine: Path) -> None:
    file = mine.with_name("run.toml")
    file.write_text('experiment = "mine.py"\n[settings]\nhidden = 32\nrate = 0.1\n', encoding="utf-8")
    assert from_line("--config run.toml --set hidden=64").settings == {"hidden": "64", "rate": 0.1}
    file.write_text('[settings]\nhead = "linear"\ninit_std = 0.2\n', encoding="utf-8")
    assert from_line("--config run.toml --head relu").settings == {"dataset": "auto", "head": "relu", "init_std": 0.2}
    file.write_text('head = "linear"\n', encoding="utf-8")
    assert from_line("--config run.toml --set head=relu").settings["head"] == "relu"


def test_the_lists_of_a_files_settings_are_axes(mine: Path) -> None:
    file = mine.with_name("sweep.toml")
    file.write_text('experiment = "temporal-order"\n[settings]\nlength = [20, 30]\nunits = [40]\n', encoding="utf-8")
    config = sweep("--config sweep.toml")
    assert config.axes == {"clip": ("none", "norm:1"), "length": (20, 30)}
    assert config.base.settings["units"] == 40


def test_what_is_printed_as_toml_is_the_same_run(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "--no-ui --offline --experiment mine.py --set hidden=128 --layers 2"
    assert main([*words.split(), "--print-config"]) == 0
    printed = capsys.readouterr().out
    assert tomllib.loads(printed)["experiment"] == str(mine)
    mine.with_name("run.toml").write_text(printed, encoding="utf-8")
    assert from_line("--config run.toml") == from_line(words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--experiment temporal-ordr", "unknown experiment 'temporal-ordr' (did you mean 'temporal-order'?)"),
        ("sweep --experiment x", "unknown experiment 'x'; write lenet, temporal-order, FILE.py[:CLASS] or PACKAGE.M"),
        ("experiment show temporal-ordr", "did you mean 'temporal-order'?"),
        ("--experiment other.py", "experiment other.py: no such file"),
        ("experiment show other.py", "experiment other.py: no such file"),
        ("--experiment ''", "unknown experiment ''"),
        ("--experiment nowhere.at.all:C", "experiment nowhere.at.all: no such module or file"),
        ("--experiment temporal-order --head relu", "temporal-order has no setting 'head'; it has length, units, "),
        ("--experiment temporal-order --dataset digits", "temporal-order has no setting 'dataset'; it has length"),
        ("--experiment temporal-order --set lenght=9", "no setting 'lenght' (did you mean 'length'?)"),
        ("--experiment temporal-order --set length=9", "length 9: must be 10 or more"),
        ("--experiment temporal-order --set length=many", "length 'many': Expected int, got str"),
        ("--experiment temporal-order --set init=ortogonal", "unknown init 'ortogonal' (did you mean 'orthogonal'?)"),
        ("--experiment mine.py --head relu", "head is a setting of lenet; for "),
        ("--experiment mine.py --dataset digits", "write --set dataset=VALUE"),
        ("sweep --experiment mine.py --head relu --head linear", "head is a setting of lenet"),
        ("sweep --experiment temporal-order --head relu --head linear", "temporal-order has no setting 'head'"),
        ("sweep --experiment temporal-order --set length=20 --set length=9", "length 9: must be 10 or more"),
        (
            "sweep --experiment temporal-order --set init_std=0.2 --set init_std=0.20",
            "axis init-std: 0.2 is given twice",
        ),
        ("sweep --experiment mine.py --set batch_size=1 --set batch_size=2", "a setting of every run has that name"),
        ("--head relu --set head=linear", "head is given twice"),
        ("--set head=relu --set head=linear", "--set head: given twice; a run has one value, and clipwatch sweep"),
        ("--set learning_rate=1", "--set learning_rate: it is a setting of every run; write --learning-rate"),
        ("--set head", "--set 'head': write NAME=VALUE"),
        ("--set =3", "--set '=3': write NAME=VALUE"),
        ("--sett head=relu", "unknown option --sett; did you mean --set?"),
        ("experiments", "did you mean 'clipwatch experiment list'?"),
        ("experiment nwe", "did you mean 'clipwatch experiment new'?"),
        ("experiment new mine.py", "file mine.py: it exists already"),
    ],
)
def test_a_mistake_is_one_line(words: str, said: str, mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in refused(capsys, words)
    assert not mine.with_name("imported").exists()


@pytest.mark.parametrize("value", ["3", "[]", "{}"])
def test_an_experiment_that_is_no_text_is_one_line(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.toml").write_text(f"experiment = {value}\n", encoding="utf-8")
    assert "experiment" in refused(capsys, "--config run.toml")
    assert "experiment" in refused(capsys, "sweep --config run.toml")


def test_what_has_no_effect_is_said(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def warnings(words: str) -> list[str]:
        warn_without_effect(from_line(words))
        return [line.removeprefix("clipwatch: ") for line in capsys.readouterr().err.splitlines()]

    assert warnings("--data-dir d --offline") == []
    assert warnings("--experiment temporal-order --data-dir d --offline --layers 2") == [
        "--data-dir has no effect with the experiment temporal-order",
        "--layers has no effect with the experiment temporal-order",
    ]
    assert warnings("--experiment mine.py --data-dir d --layers 2 --offline") == [
        f"--data-dir has no effect with the experiment {mine}",
        "--offline keeps clipwatch from the network, but not your own code",
    ]


# Commands


def test_the_list_has_every_built_in_experiment_with_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[: len(BUILT_IN)]] == [*BUILT_IN]
    assert all(each.summary in line for each, line in zip(BUILT_IN.values(), lines, strict=False))


@pytest.mark.parametrize("name", BUILT_IN)
def test_show_describes_a_built_in_experiment(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "show", name]) == 0
    text, experiment = capsys.readouterr().out, BUILT_IN[name]
    for setting in experiment.settings:
        (line,) = (line for line in text.splitlines() if line.split()[:1] == [setting.name])
        assert setting.help in line
        assert str(setting.default) in line
        assert all(choice in line for choice in setting.choices)
    config = from_options({"experiment": name})
    assert all(f"{lane.name}={lane.rule}" in text for lane in config.lanes)
    assert f"optimizer      {config.optimizer}\n" in text
    assert f"learning-rate  {config.learning_rate}\n" in text
    assert all(metric.name in text for metric in (*experiment.info.metrics, *experiment.info.gauges))


def test_show_describes_ones_own_experiment(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "show", "mine.py"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == ["Mine", str(mine), f"SHA-256 {checksum_of(mine)}"]
    assert "hidden whole number 64 number of hidden units" in lines
    assert "lane clipped=norm:1" in lines
    assert "optimizer its own, see make_optimizer" in lines
    assert "confidence" in lines


def test_the_file_that_new_writes_is_an_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["experiment", "new", "my own.py"]) == 0
    said = capsys.readouterr().out
    _, *command = shlex.split(said.partition("run it: ")[2])
    assert run_config(parse(command), {}).experiment == str(tmp_path / "my own.py")
    assert main(["experiment", "show", "my own.py"]) == 0


# The file of a recorded run


def checksum_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_code_of_a_recording_is_named_and_compared_without_being_run(mine: Path) -> None:
    recorded = ExperimentInfo(name="Mine", file=str(mine), checksum=checksum_of(mine))
    runs = f"runs the code in {mine} (SHA-256 {recorded.checksum})"
    assert [*code_notices(f"{mine}:Mine", recorded)] == [runs]
    mine.write_text("changed", encoding="utf-8")
    assert [*code_notices(str(mine), recorded)] == [
        f"runs the code in {mine} (SHA-256 {checksum_of(mine)})",
        f"{mine} has changed since it was recorded (SHA-256 {recorded.checksum})",
    ]
    assert [*code_notices("lenet", recorded)] == []
    mine.unlink()
    with pytest.raises(BadInput, match="no such file"):
        list(code_notices(str(mine), recorded))


def test_a_module_is_found_without_importing_its_packages(mine: Path) -> None:
    package = mine.parent / "outer" / "inner"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text(MARKER, encoding="utf-8")
    (package / "module.py").write_text(MARKER, encoding="utf-8")
    assert code_file("outer.inner.module:C") == package / "module.py"
    assert code_file("outer.inner:C") == package / "__init__.py"
    with pytest.raises(BadInput, match=r"outer\.other: no such module or file"):
        code_file("outer.other:C")
    assert not [*mine.parent.rglob("imported")]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a short recorded run of one's own experiment, its file beside it."""
    home = tmp_path_factory.mktemp("own")
    (home / "mine.py").write_text(starting_text("mine.py") + MARKER, encoding="utf-8")
    words = "--no-ui --experiment mine.py --set hidden=8 --iterations 6 --eval-every 3 --runs-dir runs"
    done = program.run(*words.split(), cwd=home)
    assert done.returncode == 0, done.stderr
    return home


def on_recording(recorded: Path, words: str) -> subprocess.CompletedProcess[str]:
    """A command about the recorded run from another folder, and thus without the file's folder."""
    elsewhere = recorded / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    (recorded / "imported").unlink(missing_ok=True)
    return program.run(*words.split(), "--runs-dir", str(recorded / "runs"), cwd=elsewhere)


@pytest.mark.parametrize(
    "words",
    [
        "replay last --no-ui --speed max",
        "export last --csv figures.csv --steps steps.csv --json events.json",
        "runs --list",
        "runs --json",
    ],
)
def test_what_only_reads_a_recording_never_imports_its_experiment(words: str, recorded: Path) -> None:
    assert (recorded / "imported").exists()
    done = on_recording(recorded, words)
    assert done.returncode == 0, done.stderr
    assert not (recorded / "imported").exists()
    (recorded / "imported").touch()


def test_verify_and_resume_say_which_file_they_run_and_that_it_changed(recorded: Path) -> None:
    file = recorded / "mine.py"
    before = checksum_of(file)
    done = on_recording(recorded, "verify last")
    assert (done.returncode, done.stderr) == (0, f"clipwatch: runs the code in {file} (SHA-256 {before})\n")
    assert "identical bit for bit" in done.stdout
    assert (recorded / "imported").exists()
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "# changed", encoding="utf-8")
    try:
        done = on_recording(recorded, "resume last --no-ui --iterations 9")
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[:2] == [
            f"clipwatch: runs the code in {file} (SHA-256 {checksum_of(file)})",
            f"clipwatch: {file} has changed since it was recorded (SHA-256 {before})",
        ]
    finally:
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("words", ["verify last", "resume last --no-ui", "resume last"])
def test_without_its_file_a_run_is_not_trained_again(words: str, recorded: Path) -> None:
    file = recorded / "mine.py"
    file.rename(recorded / "moved.py")
    try:
        done = on_recording(recorded, words)
    finally:
        (recorded / "moved.py").rename(file)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"clipwatch: experiment {file}: no such file\n"


@pytest.mark.parametrize("name", ["Mine", "mine.py", "../mine.py"])
def test_runs_are_filtered_by_experiment(name: str, recorded: Path) -> None:
    assert on_recording(recorded, f"runs --json --experiment {name}").stdout.count("\n") == 1
    assert on_recording(recorded, "runs --json --experiment lenet").stdout == ""


def test_a_resumed_sweep_says_it_too(
    mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    info = ExperimentInfo(name="Mine", file=str(mine), checksum="0" * 64)
    config = sweep("--experiment mine.py --seeds 2")
    folder = create_sweep(mine.parent / "runs", "Mine", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(msgspec.structs.replace(started(config), experiment=info))
    trained = list[object]()
    monkeypatch.setattr(sweep_command, "_perform", lambda request, *_: trained.append(request) or 0)
    assert main(["resume", "last", "--no-ui", "--runs-dir", "runs"]) == 0
    assert len(trained) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"clipwatch: runs the code in {mine} (SHA-256 {checksum_of(mine)})",
        f"clipwatch: {mine} has changed since it was recorded (SHA-256 {'0' * 64})",
    ]
    mine.unlink()
    assert "no such file" in refused(capsys, "resume last --no-ui --runs-dir runs")
    assert len(trained) == 1
    assert main(["runs", "--json", "--runs-dir", "runs", "--experiment", "Mine"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


# The page on experiments

PAGE = (Path(__file__).parents[1] / "docs" / "experiments.md").read_text(encoding="utf-8")
COMMANDS_OF_PAGE = [
    part.strip() for line in re.findall(r"^    (clipwatch .*)$", PAGE, re.MULTILINE) for part in line.split("&&")
]


@pytest.mark.parametrize("command", COMMANDS_OF_PAGE)
def test_the_commands_of_the_page_are_understood(command: str, mine: Path) -> None:
    _, *words = shlex.split(command)
    args = parse(words)
    if words[0] == "sweep":
        sweep_from_options(args)
    elif words[0].startswith("-"):
        run_config(args, {})


def test_the_code_of_the_page_is_an_experiment(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    mine.write_text(code, encoding="utf-8")
    assert main(["experiment", "show", "mine.py"]) == 0
    assert "hidden" in capsys.readouterr().out


def test_the_refusals_of_the_page_are_those_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"^    \$ clipwatch (--experiment temporal.*)\n    (.*)$", PAGE, re.MULTILINE)
    assert len(examples) == 2
    for words, line in examples:
        assert refused(capsys, words) == line


def test_the_page_names_every_method_of_an_experiment() -> None:
    methods = {name for name, each in vars(Experiment).items() if inspect.isfunction(each) and not name.startswith("_")}
    assert methods == set(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE))

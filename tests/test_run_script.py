"""`clipwatch export --script`: settings and commands that repeat a run bit for bit."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import program
import pytest
from own_experiment import own_config
from recordings import only_run, read, record

from clipwatch.core.engine.run_script import run_script
from clipwatch.core.engine.verify import compare
from clipwatch.core.stream.codec import encode
from clipwatch.core.stream.commands import Command, Extend, Fork, ResetMoments, SetClip, SetLearningRate, Stop
from clipwatch.core.stream.config import to_toml
from clipwatch.core.stream.events import LaneFinished
from clipwatch.tui.headless import control

SHORT = ["--iterations", "60", "--eval-every", "5"]
STEERED: list[Command] = [
    SetClip(lane="clipped", rule="norm:0.5", at_step=12),
    ResetMoments(lane="clipped", at_step=12),
    SetLearningRate(lane="unclipped", rate=0.002, at_step=15),
    Extend(lane="unclipped", iterations=15, at_step=20),
    Fork(lane="clipped", name="late", rule="value:0.01", at_step=25),
    SetLearningRate(lane="late", rate=0.005, at_step=25),
    Fork(lane="late", name="later", learning_rate=0.0005, at_step=30),
    SetClip(lane="later", rule="none", at_step=30),
    SetClip(lane="clipped", rule="autoclip:50", at_step=33),
    SetLearningRate(lane="clipped", rate=0.0001, at_step=33),
    ResetMoments(at_step=41),
    Stop(lane="clipped", at_step=52),
    Extend(lane="later", iterations=9, at_step=55),
    Fork(lane="unclipped", name="last", rule="norm:1", at_step=68),
]


def lines(commands: list[Command]) -> str:
    return "".join(encode(command).decode() + "\n" for command in commands)


def written(folder: Path) -> list[str]:
    """The words of the command that `export --script` gives."""
    done = program.call("export", str(folder), "--script", str(folder.parent / "again.toml"))
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()[-1]
    return shlex.split(said.partition("repeats the run: clipwatch ")[2])


def repeat(folder: Path, home: Path) -> Path:
    """The run that the command trains."""
    words = written(folder)
    given = words.index("<") if "<" in words else len(words)
    commands = Path(words[given + 1]).read_bytes() if given < len(words) else b""
    done = program.call(*words[:given], "--runs-dir", str(home), input=commands)
    assert done.returncode == 0, done.stderr
    return only_run(home)


def require_same(folder: Path, again: Path) -> None:
    verdict = compare(read(folder), read(again).events)
    assert (verdict.differences, verdict.missing) == ((), 0)
    assert verdict.compared > 100


def test_a_steered_run_is_repeated(tmp_path: Path) -> None:
    folder = record(tmp_path / "one", *SHORT, "--control", "--pace", "2000", input=lines(STEERED))
    again = repeat(folder, tmp_path / "two")
    require_same(folder, again)
    ends = {event.lane: event.step for event in read(again).events if isinstance(event, LaneFinished)}
    assert ends == {"unclipped": 75, "clipped": 52, "late": 60, "later": 69, "last": 75}
    assert read(again).started.config.pace is None
    # The repeated run is a run like any other: what was written from it repeats it too.
    assert run_script(read(again)).commands_file == run_script(read(folder)).commands_file


def test_a_run_that_was_changed_after_its_last_step_is_repeated(tmp_path: Path) -> None:
    commands = [Extend(iterations=20), SetClip(lane="clipped", rule="value:0.01", at_step=70)]
    folder = record(tmp_path / "one", *SHORT, "--control", input=lines(commands))
    require_same(folder, repeat(folder, tmp_path / "two"))


def test_an_interrupted_run_is_repeated_up_to_its_end(tmp_path: Path) -> None:
    folder = record(tmp_path / "one", *SHORT, "--control", input=lines([Stop(at_step=42)]))
    require_same(folder, repeat(folder, tmp_path / "two"))


def test_a_run_as_planned_needs_no_commands(tmp_path: Path) -> None:
    folder = record(tmp_path / "one", *SHORT, "--seed", "5", "--pace", "1000")
    words = written(folder)
    assert "--control" not in words
    assert not list(tmp_path.rglob("*.jsonl.commands"))
    require_same(folder, repeat(folder, tmp_path / "two"))


def test_the_settings_name_the_data_and_their_folder(tmp_path: Path) -> None:
    folder = record(tmp_path, *SHORT, "--dataset", "auto", "--data-dir", str(tmp_path), "--offline")
    config = run_script(read(folder)).config
    assert config.settings["dataset"] == "digits"
    assert config.data_dir == str(tmp_path)
    assert "pace" in to_toml(config)


def test_an_experiment_of_ones_own_is_repeated(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(to_toml(own_config(tmp_path)))
    arguments = ("--no-ui", "--config", str(file), "--control", "--runs-dir", str(tmp_path / "one"))
    assert program.call(*arguments, input=lines([SetClip(lane="a", rule="norm:1", at_step=21)])).returncode == 0
    folder = only_run(tmp_path / "one")
    require_same(folder, repeat(folder, tmp_path / "two"))


def test_commands_of_another_script_are_told_and_kept(tmp_path: Path) -> None:
    record(tmp_path, *SHORT)
    older = tmp_path / "again.commands.jsonl"
    older.write_text("mine", encoding="utf-8")
    done = program.call("export", "last", "--script", str(tmp_path / "again.toml"), "--runs-dir", str(tmp_path))
    assert done.stderr.splitlines() == [
        f"clipwatch: {older} belongs to another script: this run needs no commands",
        f"clipwatch: this repeats the run: clipwatch --no-ui --config {tmp_path / 'again.toml'}",
    ]
    assert older.read_text(encoding="utf-8") == "mine"


def test_there_is_no_script_on_standard_output(tmp_path: Path) -> None:
    record(tmp_path, *SHORT)
    done = program.call("export", "last", "--script", "-", "--runs-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "name a file" in done.stderr


class Receiver:
    """Takes commands slowly, and then is behind."""

    def __init__(self, room: int) -> None:
        self.room, self.commands = room, list[object]()

    @property
    def behind(self) -> bool:
        return len(self.commands) >= self.room

    def send(self, command: object) -> None:
        time.sleep(0.001)
        self.commands.append(command)

    def tell(self, text: str) -> None:
        raise AssertionError(text)

    def close(self) -> None: ...


@pytest.mark.parametrize(("room", "expected"), [(1000, 90), (20, 20)])
def test_the_commands_of_a_file_are_sent_before_the_run_starts_unless_they_are_too_many(
    room: int, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = Receiver(room)
    monkeypatch.setattr(control, "_BACKLOG_PAUSE", 0.01)
    with program._standard_streams(lines([SetClip(rule="none", at_step=step) for step in range(90)]).encode()):
        control.forward_stdin_commands(receiver)
        sent = len(receiver.commands)
    assert expected <= sent <= expected + 2

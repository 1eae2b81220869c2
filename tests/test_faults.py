"""Disks, folders, clocks and other processes that let a recorded run down: it refuses, or goes on and says so."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import program
import pytest
import recordings
import torch
from full_disk import Disk
from test_state import EVALUATED, FINISHED, LANE, RUN

from clipwatch.core.errors import ClipwatchError
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.events import Event, Notice, RunFinished
from clipwatch.core.training import checkpoint
from clipwatch.core.training.checkpoint import Checkpoint
from clipwatch.tui.cli.main import main
from clipwatch.tui.headless import run as headless

END = RunFinished(reason="completed", seconds=9.0)
STEPS = range(0, 60, 10)
KEPT = {0: 5, 20: 25, 50: 55}
NEVER = 10**9


def story(recorder: Recorder) -> Iterator[Event]:
    """A small run that keeps checkpoints."""
    yield Notice(text="first")
    yield RUN
    yield LANE
    for step in STEPS:
        yield msgspec.structs.replace(EVALUATED, step=step)
        if step in KEPT:
            recorder.keep(Checkpoint("a", KEPT[step], {"step": KEPT[step], "parameters": torch.arange(4.0)}))
    yield FINISHED
    yield END


def record(home: Path, disk: Disk) -> list[Event]:
    """What a recorder passes on of the story while the disk gives out."""
    recorder = Recorder(home)
    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        return list(recorder.through(story(recorder)))


def is_whole(folder: RunFolder) -> None:
    """Whatever was written last, all that is there can be read: a beginning of the story, a manifest, checkpoints."""
    read = read_recording(folder.events)
    told = [event for event in read.events if not isinstance(event, Notice)]
    expected = [event for event in story(Recorder(folder.path)) if not isinstance(event, Notice)]
    assert [event for event in told if event in expected] == expected[: len(told) - 1]
    assert folder.manifest().state in ("done", "interrupted")
    for path in folder.checkpoints.glob("*.pt"):
        checkpoint.load(path)
    assert not list(folder.path.rglob(".*-????????????????"))


def is_events(name: str) -> bool:
    return name == "events.jsonl"


def is_manifest(name: str) -> bool:
    return "manifest.json" in name


def is_settings(name: str) -> bool:
    return "config.toml" in name


def is_checkpoint(name: str) -> bool:
    return ".pt" in name


def operations(concerns: Callable[[str], bool], home: Path) -> int:
    """What a run does to such files on a disk that is in order."""
    disk = Disk(concerns, NEVER)
    record(home, disk)
    return disk.operations


@pytest.mark.parametrize("once", [False, True], ids=["from then on", "once"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize(
    ("concerns", "before_training", "least"),
    # Opening, the run, where it is recorded, and the notice from before; opening and writing; opening, writing,
    # syncing and replacing for each manifest and each checkpoint.
    [(is_events, 4, 12), (is_settings, 2, 2), (is_manifest, 4, 20), (is_checkpoint, 0, 12)],
)
def test_a_disk_that_gives_out_at_the_nth_operation_loses_nothing_silently(
    concerns: Callable[[str], bool], before_training: int, least: int, code: int, once: bool, tmp_path: Path
) -> None:
    total = operations(concerns, tmp_path / "whole")
    assert total >= least
    for number in range(total):
        home = tmp_path / str(number)
        disk = Disk(concerns, number, once=once, code=code)
        if number < before_training:
            with pytest.raises(ClipwatchError, match=r"--no-record") as refused:
                record(home, disk)
            assert os.strerror(code) in str(refused.value)
            assert str(home) in str(refused.value)
            assert not list(home.iterdir())
            continue
        passed = record(home, disk)
        assert disk.failed
        assert [event for event in passed if event in (LANE, FINISHED, END)] == [LANE, FINISHED, END]
        assert sum(event.step in STEPS for event in passed if isinstance(event, type(EVALUATED))) == len(STEPS)
        told = [event.text for event in passed if isinstance(event, Notice) and os.strerror(code) in event.text]
        assert told, number
        folder = RunFolder(recordings.only_run(home))
        assert sum("goes on unrecorded" in text for text in told) == (concerns is is_events)
        assert (recordings.read(folder.path).events[-1] == END) == (concerns is not is_events)
        is_whole(folder)


def test_a_line_that_the_disk_takes_half_of_ends_the_recording_in_plain_sight(tmp_path: Path) -> None:
    total = operations(is_events, tmp_path / "whole")
    for number in range(4, total):
        home = tmp_path / str(number)
        passed = record(home, Disk(is_events, number, once=True, short=True))
        assert sum(isinstance(event, Notice) and "goes on unrecorded" in event.text for event in passed) == 1
        assert passed[-1] == END
        is_whole(RunFolder(recordings.only_run(home)))


def test_what_went_wrong_is_told_before_the_end_and_recorded(tmp_path: Path) -> None:
    total = operations(is_checkpoint, tmp_path / "whole")
    passed = record(tmp_path / "full", Disk(is_checkpoint, total - 1))
    assert passed[-1] == END
    told = [event for event in passed if isinstance(event, Notice) and "no checkpoint of a at step 55" in event.text]
    assert len(told) == 1
    assert told[0] in recordings.read(recordings.only_run(tmp_path / "full")).events


def test_a_run_after_an_unrecorded_one_is_recorded_by_itself(tmp_path: Path) -> None:
    recorder, disk = Recorder(tmp_path), Disk(is_events, 6, once=True)
    *first, end = story(recorder)
    twice = [*first, Notice(text="told while nothing is recorded"), end, *first, end]
    with pytest.MonkeyPatch.context() as patch:
        disk.install(patch)
        passed = list(recorder.through(twice))
    assert sum(isinstance(event, Notice) and "unrecorded" in event.text for event in passed) == 1
    second = recordings.read(max(tmp_path.iterdir())).events
    assert [event for event in second if event in twice] == [RUN, first[0], *first[2:], end]
    assert len(second) == len(first) + 2


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("path", ["", ".lock"])
def test_a_read_only_folder_refuses_the_run(path: str, code: int, tmp_path: Path) -> None:
    made, opened = Path.mkdir, os.open

    def make(folder: Path, *args: object, **options: object) -> None:
        if not path and folder.parent == tmp_path:
            raise OSError(code, os.strerror(code))
        made(folder, *args, **options)  # type: ignore[arg-type]

    def open_lock(name: str | Path, *args: object, **options: object) -> int:
        if path and str(name).endswith(path):
            raise OSError(code, os.strerror(code))
        return opened(name, *args, **options)  # type: ignore[arg-type]

    recorder = Recorder(tmp_path)
    passed: list[Event] = []
    with pytest.MonkeyPatch.context() as patch:
        # The right to write cannot be taken from the superuser, as whom these tests may run.
        patch.setattr(Path, "mkdir", make)
        patch.setattr(os, "open", open_lock)
        with pytest.raises(ClipwatchError, match=r"--no-record"):
            passed.extend(recorder.through(story(recorder)))
    assert RUN not in passed


@pytest.mark.skipif(sys.platform != "linux", reason="no file system of which it is known that nobody may write there")
def test_a_file_system_that_nobody_can_write_to_refuses_the_run() -> None:
    done = program.call(*recordings.DIGITS, "--runs-dir", "/proc/clipwatch")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "/proc/clipwatch" in line
    assert "--no-record" in line
    assert "Start Training" not in done.stdout


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only to the superuser")
def test_a_folder_without_the_right_to_write_refuses_the_run(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = program.call(*recordings.DIGITS, "--runs-dir", str(tmp_path))
    tmp_path.chmod(0o700)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("after", range(len(STEPS) + 3))
def test_a_folder_that_vanishes_under_way_is_told_of_once_and_the_run_goes_on(after: int, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    passed: list[Event] = []
    for event in recorder.through(story(recorder)):
        passed.append(event)
        if not isinstance(event, Notice) and sum(not isinstance(one, Notice) for one in passed) == after + 1:
            # At once: into a folder that is being emptied a checkpoint may still come.
            shutil.rmtree(recordings.only_run(tmp_path).rename(tmp_path / "gone"))
    assert sum(isinstance(event, Notice) and "goes on unrecorded" in event.text for event in passed) == 1
    assert passed[-1] == END


def test_a_folder_that_is_renamed_under_way_holds_the_whole_run(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    passed: list[Event] = []
    for event in recorder.through(story(recorder)):
        passed.append(event)
        if event == LANE:
            recordings.only_run(tmp_path).rename(tmp_path / "renamed")
    folder = RunFolder(tmp_path / "renamed")
    assert recordings.read(folder.path).events[-1] == END
    assert folder.manifest().state == "interrupted"
    told = [event.text for event in passed if isinstance(event, Notice)]
    assert any("no checkpoint" in text for text in told)
    assert any("the manifest cannot be written" in text for text in told)


def test_a_run_that_cannot_be_claimed_is_not_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path, Disk(is_events, NEVER))
    folder = recordings.only_run(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("clipwatch.core.files.lock.FileLock.acquire", refuse)
    assert main(["resume", str(folder), "--no-ui"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(folder) in line
    assert os.strerror(errno.EROFS) in line


# A damaged beginning


def test_a_flipped_bit_in_the_first_line_is_told_and_the_beginning_taken_from_beside_it(tmp_path: Path) -> None:
    record(tmp_path, Disk(is_events, NEVER))
    path = recordings.only_run(tmp_path) / "events.jsonl"
    content = path.read_bytes()
    expected = read_recording(path).events
    first = content.index(b"\n")
    for place in range(first):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        read = read_recording(path)
        assert read.events == expected
        assert "line 1 " in read.damage[0]
        assert "manifest and settings" in read.damage[-1]
    path.write_bytes(content[first + 1 :])
    assert read_recording(path).events == expected
    # With its end the first line takes the second, where the run is recorded, along.
    path.write_bytes(content[:first] + b"\x0b" + content[first + 1 :])
    assert read_recording(path).events == [expected[0], *expected[2:]]


def test_without_the_files_beside_it_a_damaged_beginning_is_refused_with_its_line(tmp_path: Path) -> None:
    record(tmp_path, Disk(is_events, NEVER))
    folder = recordings.only_run(tmp_path)
    content = (folder / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(content[:9] + b"#" + content[10:])
    (folder / "manifest.json").write_text("{")
    done = program.call("export", str(folder), "--csv", "-")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "line 1 is damaged" in line


# Damaged checkpoints


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoints of a run of the program: those of its last 30 steps."""
    arguments = ["--iterations", "30", "--checkpoint-every", "10"]
    return recordings.record(tmp_path_factory.mktemp("kept"), *arguments) / "checkpoints"


def flips(content: bytes, samples: int) -> Iterator[int]:
    """Every byte of the first line, and a sample of the others."""
    header = content.index(b"\n") + 1
    yield from range(header)
    yield from range(header, len(content), (len(content) - header) // samples)
    yield len(content) - 1


def test_a_flipped_bit_anywhere_in_a_checkpoint_is_told_and_the_one_before_is_used(kept: Path, tmp_path: Path) -> None:
    for step in (20, 30):
        shutil.copy(kept / f"clipped-{step:010d}.pt", tmp_path)
    newest = tmp_path / "clipped-0000000030.pt"
    content = newest.read_bytes()
    places = list(flips(content, 100))
    assert len(places) > 190
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        newest.write_bytes(damaged)
        told: list[str] = []
        snapshot = checkpoint.newest(tmp_path, "clipped", told.append, up_to=100)
        assert snapshot is not None, place
        assert snapshot["step"] == 20, place
        (line,) = told
        assert newest.name in line
        assert "the one before it is used" in line


def test_a_checkpoint_cut_off_anywhere_is_told_and_the_one_before_is_used(kept: Path, tmp_path: Path) -> None:
    for step in (20, 30):
        shutil.copy(kept / f"clipped-{step:010d}.pt", tmp_path)
    newest = tmp_path / "clipped-0000000030.pt"
    content = newest.read_bytes()
    for length in flips(content, 50):
        newest.write_bytes(content[:length])
        told: list[str] = []
        snapshot = checkpoint.newest(tmp_path, "clipped", told.append, up_to=100)
        assert snapshot is not None
        assert (snapshot["step"], len(told)) == (20, 1)


# Other processes


def ended(processes: list, seconds: float) -> int:
    """The index of the first process to end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for index, process in enumerate(processes):
            try:
                process.wait(0.05)
            except program.subprocess.TimeoutExpired:
                continue
            return index
    raise AssertionError("none has ended")


def test_of_two_resumes_at_once_exactly_one_goes_on(tmp_path: Path) -> None:
    # At this pace the run lasts for hours: the one that goes on is still at it when the other has ended.
    arguments = ["--iterations", "1000000", "--pace", "100", "--eval-every", "1", "--runs-dir", str(tmp_path)]
    with program.running(*recordings.DIGITS, *arguments, "--json") as first:
        for _ in range(8):
            program.line_with(first.stdout, '"Evaluated"')
    folder = recordings.only_run(tmp_path)
    before = recordings.read(folder).last_evaluated("clipped")
    resume = ["resume", str(folder), "--no-ui", "--quiet", "--control"]
    with program.running(*resume) as one, program.running(*resume) as other:
        both = [one, other]
        loser = both.pop(ended(both, program.DEADLINE))
        (winner,) = both
        assert loser.returncode == 2
        (line,) = loser.stderr.read().splitlines()
        assert "another process is writing it" in line
        while recordings.read(folder).last_evaluated("clipped") < before + 10:
            assert winner.poll() is None
        winner.stdin.write('{"command":"Stop"}\n')
        winner.stdin.close()
        assert winner.wait(program.DEADLINE) == 0
    again = recordings.read(folder)
    assert isinstance(again.events[-1], RunFinished)
    evaluated = [(event.lane, event.step) for event in again.events if isinstance(event, type(EVALUATED))]
    assert len(evaluated) == len(set(evaluated))
    for lane in ("clipped", "unclipped"):
        steps = [step for name, step in evaluated if name == lane]
        assert steps == list(range(len(steps)))


def test_a_run_is_read_only_after_it_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(recordings.record(tmp_path, "--iterations", "20"))
    read, claimed = headless.read_interrupted, []

    def reading(*arguments: object) -> object:
        claimed.append(folder.is_being_written())
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(headless, "read_interrupted", reading)
    assert main(["resume", str(folder.path), "--no-ui", "--quiet", "--iterations", "21"]) == 0
    assert claimed == [True]


# Other machines


@pytest.mark.skipif("CLIPWATCH_TEST_MNIST" not in os.environ, reason="CLIPWATCH_TEST_MNIST names no folder")
def test_a_run_from_another_machine_is_replayed_reported_verified_and_resumed(tmp_path: Path) -> None:
    data = Path(os.environ["CLIPWATCH_TEST_MNIST"])
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    (there / "data").symlink_to(data)
    arguments = ["--dataset", "mnist", "--data-dir", str(there / "data"), "--iterations", "20"]
    whole = recordings.record(there / "whole", *arguments, "--iterations", "40")
    short = recordings.record(there / "runs", *arguments)
    folder = here / "renamed"
    shutil.copytree(short, folder, ignore=shutil.ignore_patterns(".lock"))
    expected = recordings.figures(recordings.read(whole).events)
    shutil.rmtree(there)

    replayed = program.call("replay", str(folder), "--speed", "max", "--json")
    assert replayed.returncode == 0, replayed.stderr
    assert str(folder) in replayed.stdout
    assert f'"folder":"{there}' not in replayed.stdout
    reported = program.call("report", str(folder), "-o", str(here / "report.html"))
    assert reported.returncode == 0, reported.stderr
    assert str(there) not in (here / "report.html").read_text()

    nowhere = program.call("resume", str(folder), "--no-ui", "--iterations", "40")
    assert nowhere.returncode == 2
    assert f"data dir {there / 'data'} is not on this machine" in nowhere.stderr
    assert "--data-dir" in nowhere.stderr.splitlines()[-1]
    resumed = program.call("resume", str(folder), "--no-ui", "--iterations", "40", "--data-dir", str(data))
    assert resumed.returncode == 0, resumed.stderr
    assert str(folder) in resumed.stdout
    rows = [row for row in recordings.figures(recordings.read(folder).events) if len(row) == 5 or row[1] == 40]
    assert rows == expected
    assert program.call("verify", str(folder), "--data-dir", str(data)).returncode == 0


# Clocks


@pytest.mark.parametrize("name", ["backwards", "forwards", "standing", "to and fro"])
def test_a_clock_that_jumps_leaves_names_unique_and_recordings_readable(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = {
        "backwards": lambda turn: 1.8e9 - 86_400.0 * turn,
        "forwards": lambda turn: 1.7e9 + 3.1e7 * turn,
        "standing": lambda turn: 1.7e9,
        "to and fro": lambda turn: 1.7e9 + 1e6 * (-1) ** turn,
    }
    turn = iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: jumps[name](next(turn)))
    short = ["--no-ui", "--quiet", "--dataset", "digits", "--iterations", "20", "--runs-dir", str(tmp_path)]
    for _ in range(4):
        assert main(short) == 0
    folders = [RunFolder(path) for path in tmp_path.iterdir()]
    assert len(folders) == 4
    figures = [recordings.figures(recordings.read(folder.path).events) for folder in folders]
    assert all(one == figures[0] for one in figures)
    assert all(recordings.read(folder.path).damage == () for folder in folders)
    for folder in folders:
        seconds = [getattr(event, "seconds", 0.0) for event in recordings.read(folder.path).events]
        assert all(0 <= second < 60 for second in seconds)
        assert folder.manifest().state == "done"
    assert main(["resume", str(folders[0].path), "--no-ui", "--quiet", "--iterations", "30"]) == 0
    assert main(["replay", str(folders[0].path), "--no-ui", "--quiet", "--speed", "max"]) == 0
    assert main(["runs", "--runs-dir", str(tmp_path)]) == 0

"""Going on after an interruption equals never having been interrupted; training again equals the recording."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import msgspec
import program
import pytest
import recordings
import torch
from msgspec.structs import replace

from clipwatch.core.engine.resume import read_interrupted
from clipwatch.core.engine.resumption import Resumption
from clipwatch.core.engine.session import Session
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.commands import Extend, LaneCommand, ResetMoments, SetClip, Stop
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    CommandScheduled,
    Evaluated,
    Event,
    LaneEvent,
    LaneExtended,
    LaneFinished,
    LaneStarted,
    LearningRateChanged,
    MomentsReset,
    Notice,
    RunFinished,
    RunStarted,
)
from clipwatch.core.training import checkpoint
from clipwatch.tui.cli.main import main

# Linear logits: with the last ReLU on a lane may be dead, and then every run of it looks the same.
SETTINGS = ["--iterations", "80", "--checkpoint-every", "20", "--eval-every", "5", "--head", "linear"]
CONFIG = RunConfig(
    settings={"dataset": "digits", "head": "linear"},
    offline=True,
    iterations=80,
    checkpoint_every=20,
    eval_every=5,
    eval_size=50,
)
CHANGE = SetClip(lane="clipped", rule="value:0.01", at_step=37)
CHANGE_OF_MEMORY = SetClip(lane="clipped", rule="autoclip:75", at_step=37)


def train(home: Path, *commands: LaneCommand, config: RunConfig = CONFIG) -> Path:
    return recordings.train(home, commands, config)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 80 steps with a change of rule at step 37, never interrupted."""
    return train(tmp_path_factory.mktemp("whole"), CHANGE)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run without the change."""
    return train(tmp_path_factory.mktemp("plain"))


def cut(whole: Path, home: Path, step: int, *, scheduled: bool = False) -> Path:
    """A copy of the run as it would be left by a death while step `step` was under way.

    Its commands came at their steps, or with `scheduled` before the first.
    """
    folder = home / whole.name
    shutil.copytree(whole, folder, ignore=shutil.ignore_patterns(".lock"))
    events = recordings.read(whole).events
    events = [event for event in events if scheduled or not isinstance(event, CommandScheduled)]
    kept = [
        event for event in events if not isinstance(event, LaneEvent) or event.step < step or _was_change(event, step)
    ]
    lines = [seal(encode(event)) + b"\n" for event in kept if not isinstance(event, RunFinished)]
    (folder / "events.jsonl").write_bytes(b"".join(lines) + lines[-1][: len(lines[-1]) // 2])
    for file in (folder / "checkpoints").iterdir():
        if int(file.stem.rpartition("-")[2]) > step:
            file.unlink()
    return folder


def _was_change(event: Event, step: int) -> bool:
    return isinstance(event, ClipChanged | LearningRateChanged | MomentsReset) and event.step <= step


def resume(folder: Path, *arguments: str) -> int:
    return main(["resume", str(folder), "--no-ui", "--quiet", *arguments])


@pytest.mark.parametrize("step", [37, 38, 40, 41, 60, 79])
def test_a_run_cut_off_anywhere_and_resumed_is_the_whole_run(step: int, whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, step)
    assert resume(folder) == 0
    again = recordings.read(folder)
    assert again.damage == ()
    assert recordings.figures(again.events) == recordings.figures(recordings.read(whole).events)
    changes = [event for event in again.events if isinstance(event, ClipChanged)]
    assert [(change.lane, change.step, change.rule) for change in changes] == [("clipped", 37, "value:0.01")]
    evaluated = [(event.lane, event.step) for event in again.events if isinstance(event, Evaluated)]
    assert len(evaluated) == len(set(evaluated))
    assert RunFolder(folder).manifest().state == "done"


@pytest.mark.parametrize("step", [1, 19, 20, 21, 36])
def test_a_run_cut_off_before_a_change_is_the_run_without_it(
    step: int, whole: Path, plain: Path, tmp_path: Path
) -> None:
    folder = cut(whole, tmp_path, step)
    assert resume(folder) == 0
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(plain).events)
    assert recordings.figures(recordings.read(whole).events) != recordings.figures(recordings.read(plain).events)


@pytest.mark.parametrize("step", [1, 36, 37, 38, 60])
def test_what_was_scheduled_when_a_run_was_cut_off_takes_effect_once(step: int, whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, step, scheduled=True)
    assert resume(folder) == 0
    again = recordings.read(folder)
    assert recordings.figures(again.events) == recordings.figures(recordings.read(whole).events)
    changes = [event for event in again.events if isinstance(event, ClipChanged)]
    assert [(change.lane, change.step, change.rule) for change in changes] == [("clipped", 37, "value:0.01")]
    assert sum(isinstance(event, CommandScheduled) for event in again.events) == 1
    assert main(["verify", str(folder)]) == 0


@pytest.fixture(scope="module", params=["adam", "sgd-momentum"])
def remembering(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run under rules that remember, with a change and a reset under way."""
    lanes = (LaneConfig("auto", "autoclip:30"), LaneConfig("clipped", "zclip"))
    config = msgspec.structs.replace(
        CONFIG, lanes=lanes, optimizer=request.param, learning_rate=0.01, reset_moments=True
    )
    reset = ResetMoments(lane="auto", at_step=45)
    return train(tmp_path_factory.mktemp(request.param), CHANGE_OF_MEMORY, reset, config=config)


@pytest.mark.parametrize("step", [38, 46, 60])
def test_rules_and_optimizers_that_remember_are_resumed_bit_for_bit(
    step: int, remembering: Path, tmp_path: Path
) -> None:
    folder = cut(remembering, tmp_path, step)
    if step < 45:
        before = train(tmp_path / "without", CHANGE_OF_MEMORY, config=recordings.read(folder).started.config)
    else:
        before = remembering
    assert resume(folder) == 0
    again = recordings.read(folder)
    assert recordings.figures(again.events) == recordings.figures(recordings.read(before).events)
    resets = [event for event in again.events if isinstance(event, MomentsReset)]
    assert [(event.lane, event.step) for event in resets] == ([("auto", 45)] if step >= 45 else [])


def test_rules_and_optimizers_that_remember_are_verified(remembering: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(remembering)]) == 0
    assert "identical bit for bit" in capsys.readouterr().out


def test_a_run_that_was_stopped_goes_on_where_it_was(whole: Path, tmp_path: Path) -> None:
    folder = train(tmp_path, CHANGE, Stop(at_step=53))
    assert RunFolder(folder).manifest().state == "interrupted"
    assert resume(folder) == 0
    expected = recordings.figures(recordings.read(whole).events)
    assert [row for row in recordings.figures(recordings.read(folder).events) if row[1] != 53] == expected


def test_a_run_that_was_done_goes_on_to_more_steps(tmp_path: Path) -> None:
    (tmp_path / "short").mkdir()
    (tmp_path / "long").mkdir()
    short = recordings.record(tmp_path / "short", "--iterations", "30")
    assert resume(short, "--iterations", "60") == 0
    long = recordings.record(tmp_path / "long", "--iterations", "60")
    rows = [row for row in recordings.figures(recordings.read(short).events) if len(row) == 5 or row[1] == 60]
    assert rows == recordings.figures(recordings.read(long).events)
    assert main(["verify", str(short)]) == 0


def planned(folder: Path) -> dict[str, int]:
    """The steps that each lane had done at its end."""
    return {event.lane: event.step for event in recordings.read(folder).events if isinstance(event, LaneFinished)}


def test_each_lane_keeps_its_own_iterations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extend = Extend(lane="clipped", iterations=20, at_step=10)
    folder = train(tmp_path, extend, Stop(at_step=45), config=replace(CONFIG, iterations=50))
    assert resume(folder) == 0
    assert planned(folder) == {"unclipped": 50, "clipped": 70}
    assert main(["verify", str(folder)]) == 0
    assert resume(folder, "--iterations", "90") == 0
    assert planned(folder) == {"unclipped": 90, "clipped": 90}
    assert main(["verify", str(folder)]) == 0
    assert "missing" not in capsys.readouterr().out


def test_a_run_that_is_resumed_to_fewer_steps_is_verified(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cut(whole, tmp_path, 45)
    assert resume(folder, "--iterations", "60") == 0
    assert main(["verify", str(folder)]) == 0
    assert "missing" not in capsys.readouterr().out


@pytest.mark.parametrize("moment", [0, 2])
def test_a_killed_program_loses_nothing_that_it_told(moment: int, plain: Path, tmp_path: Path) -> None:
    arguments = [
        *recordings.DIGITS,
        *SETTINGS,
        "--eval-size",
        "50",
        "--json",
        "--pace",
        "300",
        "--runs-dir",
        str(tmp_path),
    ]
    with program.running(*arguments) as process:
        told = [program.line_with(process.stdout, '"Evaluated"') for _ in range(4 + 9 * moment)]
        process.send_signal(signal.SIGKILL)
        process.wait()
    folder = recordings.only_run(tmp_path)
    assert RunFolder(folder).manifest().state == "interrupted"
    written = (folder / "events.jsonl").read_bytes()
    assert all(seal(line.rstrip("\n").encode()) in written for line in told)
    assert resume(folder) == 0
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(plain).events)


def test_a_lane_that_is_extended_at_its_planned_end_keeps_that_checkpoint() -> None:
    kept: list[tuple[str, int]] = []
    config = msgspec.structs.replace(CONFIG, iterations=20, checkpoint_every=10)
    session = Session(config, keep=lambda one: kept.append((one.lane, one.step)))
    session.send(Extend(iterations=10, at_step=20))
    assert isinstance(list(session.run())[-1], RunFinished)
    assert sorted(kept) == [(lane, step) for lane in ("clipped", "unclipped") for step in (10, 20, 30)]


def damaged(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[random.Random(0).randrange(100, len(content))] ^= 1
    elif how == "cut":
        del content[len(content) // 2 :]
    path.write_bytes(b"" if how == "empty" else bytes(content))


@pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
def test_a_bad_checkpoint_is_told_and_the_one_before_is_used(how: str, whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 65)
    damaged(folder / "checkpoints" / "clipped-0000000060.pt", how)
    assert resume(folder) == 0
    again = recordings.read(folder)
    told = [event.text for event in again.events if isinstance(event, Notice)]
    assert sum("clipped-0000000060.pt" in text and "the one before" in text for text in told) == 1
    assert recordings.figures(again.events) == recordings.figures(recordings.read(whole).events)


def test_a_lane_without_any_checkpoint_trains_again_from_the_start(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 65)
    for path in (folder / "checkpoints").glob("clipped-*"):
        path.unlink()
    assert resume(folder) == 0
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(whole).events)


def test_a_recording_that_lost_what_its_checkpoints_know_is_trained_again(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 65)
    events = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in events if b'"step":55' not in line and b'"step":60' not in line]
    (folder / "events.jsonl").write_bytes(b"".join(kept[:-1]))
    assert resume(folder) == 0
    again = recordings.read(folder)
    told = [event.text for event in again.events if isinstance(event, Notice)]
    assert sum("is recorded up to step 55: its later checkpoints (60) are removed" in text for text in told) == 2
    assert recordings.figures(again.events) == recordings.figures(recordings.read(whole).events)


def test_after_half_a_recording_was_lost_the_checkpoints_written_since_are_kept(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 25)
    shutil.copytree(whole / "checkpoints", folder / "checkpoints", dirs_exist_ok=True)
    stop = '{"command":"Stop","at_step":45}'
    done = program.call("resume", str(folder), "--no-ui", "--control", input=stop)
    assert done.stderr.count("its later checkpoints (40, 60, 80) are removed") == 2
    assert {path.name for path in (folder / "checkpoints").glob("clipped*")} == {
        f"clipped-00000000{step}.pt" for step in (20, 40, 45)
    }
    told = list[str]()
    snapshots = read_interrupted(RunFolder(folder), None).snapshots(told)
    assert [snapshot["step"] for snapshot in snapshots.values()] == [45, 45]
    assert told == []


def test_checkpoints_from_when_they_held_lists_are_gone_on_from(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 65)
    for path in list((folder / "checkpoints").iterdir()):
        snapshot = checkpoint.load(path)
        diagnosis = snapshot["diagnosis"]
        diagnosis["firing"], effect = diagnosis["firing"].tolist(), diagnosis["effect"]
        effect["recent"] = effect["recent"].tolist()
        checkpoint.Checkpoint(path.stem.rpartition("-")[0], snapshot["step"], snapshot).save(path.parent)
    assert resume(folder) == 0
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(whole).events)


class _Payload:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch payload-ran",)


def test_a_malicious_checkpoint_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib
    import io

    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    torch.save({"step": _Payload()}, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest().encode()
    (tmp_path / "clipped-0000000001.pt").write_bytes(
        b"clipwatch-checkpoint 1 sha256=" + digest + b"\n" + buffer.getvalue()
    )
    with pytest.raises(checkpoint.BadCheckpoint, match="does not hold a lane's state"):
        checkpoint.load(tmp_path / "clipped-0000000001.pt")
    assert not (tmp_path / "payload-ran").exists()


def test_two_resumes_at_once_do_not_write_one_run(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cut(whole, tmp_path, 30)
    with RunFolder(folder).claim():
        assert resume(folder) == 2
    assert "another process is writing it" in capsys.readouterr().err
    assert resume(folder) == 0


def test_a_run_that_was_moved_and_renamed_is_resumed(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 41).rename(tmp_path / "renamed")
    assert resume(folder) == 0
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(whole).events)


def test_where_nothing_is_left_to_train_nothing_is_written(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (whole / "events.jsonl").read_bytes()
    assert main(["resume", str(whole), "--no-ui"]) == 2
    assert "nothing is left to train; to continue, add --iterations N" in capsys.readouterr().err
    assert (whole / "events.jsonl").read_bytes() == before


def test_fewer_steps_than_were_done_are_refused(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resume(whole, "--iterations", "10") == 2
    assert resume(whole, "--iterations", "0") == 2
    assert main(["resume", "nothing-of-that-name", "--no-ui"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_what_has_nothing_to_compare_is_not_verified(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cut(whole, tmp_path, 0)
    assert main(["verify", str(folder)]) == 1
    assert "not verified" in capsys.readouterr().out


def test_verify_trains_again_and_finds_the_same(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(whole)]) == 0
    # 16 evaluations, 4 measurements and an end, in two lanes.
    assert "identical bit for bit in 202 figures" in capsys.readouterr().out


def test_verify_says_how_much_the_recording_lacks(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun_otherwise(whole, tmp_path, lambda started: started)
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not (b'"Evaluated"' in line and b'"step":25,' in line)]
    (folder / "events.jsonl").write_bytes(b"".join(kept))
    assert main(["verify", str(folder)]) == 0
    assert "in 200 figures; evaluations missing from the recording: 2" in capsys.readouterr().out


def test_verify_says_where_it_first_differs(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = cut(whole, tmp_path, 50)
    events = []
    for event in recordings.read(folder).events:
        if isinstance(event, Evaluated) and event.lane == "clipped" and event.step >= 25:
            event = Evaluated(**{**{f: getattr(event, f) for f in event.__struct_fields__}, "loss": event.loss + 1e-12})
        events.append(event)
    (folder / "events.jsonl").write_bytes(b"".join(seal(encode(event)) + b"\n" for event in events))
    assert main(["verify", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "clipped first differs at step 25" in out
    assert "unclipped" not in out


def begun_otherwise(whole: Path, home: Path, change: Callable[[RunStarted], RunStarted]) -> Path:
    """A copy of the run that says of itself that it began in another way."""
    folder = home / whole.name
    shutil.copytree(whole, folder, ignore=shutil.ignore_patterns(".lock"))
    events = [change(event) if isinstance(event, RunStarted) else event for event in recordings.read(whole).events]
    (folder / "events.jsonl").write_bytes(b"".join(seal(encode(event)) + b"\n" for event in events))
    return folder


def on_a_gpu(started: RunStarted) -> RunStarted:
    return replace(started, device="cuda:7", config=replace(started.config, device="cuda:7"))


@pytest.mark.parametrize("arguments", [["verify"], ["resume", "--no-ui", "--quiet", "--iterations", "90"]])
def test_other_data_is_refused(
    arguments: list[str], whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun_otherwise(
        whole, tmp_path, lambda started: replace(started, dataset=replace(started.dataset, checksum="0" * 64))
    )
    assert main([arguments[0], str(folder), *arguments[1:]]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "differs from the data that the run was recorded with" in line
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(whole).events)


def test_verify_tells_of_other_versions(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = begun_otherwise(
        whole, tmp_path, lambda started: replace(started, versions={**started.versions, "torch": "0.1"})
    )
    assert main(["verify", str(folder)]) == 0
    told = capsys.readouterr().err
    assert re.search(r"changed since the recording: torch 0\.1 -> [2-9][^;,]*; the last bits may differ", told)


def test_a_run_from_another_device_is_verified_and_resumed_on_the_one_that_is_named(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun_otherwise(whole, tmp_path, on_a_gpu)
    assert main(["verify", str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "'cuda:7'" in line
    assert "--device cpu" in line
    assert main(["verify", str(folder), "--device", "cpu"]) == 0
    assert "device cuda:7 -> cpu" in capsys.readouterr().err
    assert resume(folder, "--device", "cpu", "--iterations", "90") == 0
    assert recordings.read(folder).last_evaluated("clipped") == 85


@pytest.mark.parametrize("at_step", ["", ', "at_step": 12', ', "at_step": 41'])
def test_what_is_asked_while_recorded_steps_are_trained_again_waits_for_their_end(
    at_step: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cut(whole, tmp_path, 57)
    ask = '{"command": "SetClip", "rule": "sign", "lane": "clipped"' + at_step + "}\n"
    assert program.call("resume", str(folder), "--no-ui", "--control", input=ask).returncode == 0
    changes = [event for event in recordings.read(folder).events if isinstance(event, ClipChanged)]
    assert [(change.step, change.rule) for change in changes] == [(37, "value:0.01"), (56, "sign")]
    assert main(["verify", str(folder)]) == 0
    # And once more, with the change among what is trained again.
    assert resume(folder, "--iterations", "90") == 0
    assert main(["verify", str(folder)]) == 0


def test_a_change_that_is_recorded_does_not_hide_another_at_its_step(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 37)
    ask = '{"command": "SetClip", "rule": "sign", "lane": "clipped"}\n'
    assert program.call("resume", str(folder), "--no-ui", "--control", input=ask).returncode == 0
    changes = [event for event in recordings.read(folder).events if isinstance(event, ClipChanged)]
    assert [(change.step, change.rule) for change in changes] == [(37, "value:0.01"), (37, "sign")]
    assert main(["verify", str(folder)]) == 0


def test_a_stop_while_recorded_steps_are_trained_again_changes_nothing(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 57)
    for file in (folder / "checkpoints").iterdir():
        file.unlink()
    before = recordings.figures(recordings.read(folder).events)
    run = read_interrupted(RunFolder(folder), None)
    resumption = Resumption(iterations=run.iterations, commands=run.commands({}), recorded=run.recorded.steps_done)
    session = Session(replace(run.config, pace=20.0), resumption=resumption)
    recorder = Recorder(tmp_path)
    recorder.reopen(RunFolder(folder), RunFolder(folder).claim(), run.recorded)
    told: list[str] = []
    for event in recorder.through(run.unrecorded_events(session.run())):
        if isinstance(event, Notice):
            told.append(event.text)
        if isinstance(event, LaneStarted):
            session.send(Stop())
    assert sum(text.endswith("is recorded up to step 56; the recording is unchanged") for text in told) == 2
    assert not any("did not take effect" in text for text in told)
    assert recordings.figures(recordings.read(folder).events) == before
    assert RunFolder(folder).manifest().state == "interrupted"
    assert resume(folder) == 0
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(whole).events)


def test_a_run_begun_from_a_resumed_one_is_told_whole(whole: Path, tmp_path: Path) -> None:
    folder = cut(whole, tmp_path, 57)
    run = read_interrupted(RunFolder(folder), None)
    begun = recordings.read(whole).started
    again = [event for event in recordings.read(whole).events if isinstance(event, Evaluated | ClipChanged)]
    assert list(run.unrecorded_events([begun, begun, *again])) == [begun, *again]


def test_a_lane_that_was_stopped_alone_stays_where_it_ended(tmp_path: Path) -> None:
    stopped = train(tmp_path / "stopped", Stop(lane="clipped", at_step=33))
    folder = cut(stopped, tmp_path, 57)
    assert resume(folder) == 0
    assert planned(folder) == {"unclipped": 80, "clipped": 33}
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(stopped).events)
    assert main(["verify", str(folder)]) == 0


def test_a_run_of_which_a_lane_was_stopped_is_verified_though_it_was_killed(tmp_path: Path) -> None:
    folder = cut(train(tmp_path / "stopped", Stop(lane="clipped", at_step=33)), tmp_path, 57)
    assert main(["verify", str(folder)]) == 0


def test_no_lane_is_extended_to_more_steps_than_can_be_asked_for(tmp_path: Path) -> None:
    folder = train(tmp_path, Extend(iterations=10**15, at_step=10), Stop(at_step=20))
    assert {event.iterations for event in recordings.read(folder).events if isinstance(event, LaneExtended)} == {10**15}
    read_interrupted(RunFolder(folder), None)

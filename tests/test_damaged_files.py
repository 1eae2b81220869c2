"""Files damaged in every way: damage is told once, what is whole is used, and no command raises.

A part of the lines is sealed again after it was changed, as somebody would who crafts a recording.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import recordings
from test_runs_table import write as write_sweep

from clipwatch.core.engine.resume import read_interrupted
from clipwatch.core.engine.verify import compare, repetition
from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.reports.contents import contents
from clipwatch.core.reports.phrases import Words
from clipwatch.core.reports.run_summary import summarize_run
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.reader import Recorded, read_recording
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.runs.timeline import Timeline
from clipwatch.core.stream.codec import seal
from clipwatch.core.sweeps.comparisons import comparisons, summaries
from clipwatch.core.sweeps.recorded_folders import find
from clipwatch.core.sweeps.store import SweepFolder, read_sweep
from clipwatch.tui.cli.main import main
from clipwatch.tui.view.run_view import RunView

TRIALS = int(os.environ.get("TRIALS", "8"))
Damage = Callable[[list[bytes], random.Random], None]
VALUES = (
    -1,
    0,
    1,
    2**63,
    10**30,
    1e308,
    -1e308,
    None,
    True,
    "",
    "NaN",
    "Infinity",
    "x" * 1000,
    "\0",
    "[/",
    [],
    {},
    [[]],
)


def unsealed(line: bytes) -> bytes:
    return line.rpartition(b',"crc":"')[0] + b"}"


def flip(lines: list[bytes], chance: random.Random) -> None:
    place = chance.randrange(len(lines))
    line = bytearray(lines[place])
    line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
    lines[place] = bytes(line)


def lose(lines: list[bytes], chance: random.Random) -> None:
    first = chance.randrange(len(lines))
    del lines[first : first + chance.choice((1, 1, 2, 20))]


def double(lines: list[bytes], chance: random.Random) -> None:
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))


def swap(lines: list[bytes], chance: random.Random) -> None:
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def shuffle(lines: list[bytes], chance: random.Random) -> None:
    chance.shuffle(lines)


def add_foreign(lines: list[bytes], chance: random.Random) -> None:
    line = unsealed(chance.choice(lines)).replace(b'clipped"', b'stranger"')
    lines.insert(chance.randrange(len(lines) + 1), seal(line))


DEEP = b'{"v":1,"event":"Notice","text":"x","more":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


def add_nonsense(lines: list[bytes], chance: random.Random) -> None:
    nonsense = (b"", b"null", b"{}", b"\0" * 100, b"\xff\xfe", b"[" * 100_000, DEEP, DEEP[:20] + b"[" * 100_000)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice((lambda line: line, seal))(chance.choice(nonsense)))


def change_value(lines: list[bytes], chance: random.Random) -> None:
    """A value anywhere in a line, which is sealed again."""
    place = chance.randrange(len(lines))
    with contextlib.suppress(ValueError, RecursionError):
        raw = inner = json.loads(unsealed(lines[place]))
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            key = chance.choice(keys)
            if isinstance(inner[key], dict | list) and inner[key] and chance.random() < 0.9:
                inner = inner[key]
                continue
            inner[key] = chance.choice(VALUES)
            break
        lines[place] = seal(json.dumps(raw, separators=(",", ":")).encode())


def other_line_ends(lines: list[bytes], chance: random.Random) -> None:
    lines[:] = [line + b"\r" for line in lines]


DAMAGE = [flip, lose, double, swap, shuffle, add_foreign, add_nonsense, change_value, other_line_ends]


def damaged(content: bytes, how: Damage, chance: random.Random) -> bytes:
    lines = content.splitlines()
    for _ in range(chance.choice((1, 1, 3))):
        if lines:
            how(lines, chance)
    return b"\n".join(lines) + chance.choice((b"\n", b"\n", b""))


def tell_nobody(text: str) -> None: ...


def use(folder: Path, *, report: bool) -> None:
    """All that is made of a recording but pictures and training."""
    for arguments in (["replay", "--no-ui", "--speed", "max"], ["export", "--csv", "-", "--json", "-"]):
        assert main([arguments[0], str(folder), *arguments[1:]]) in (0, 2)
    try:
        recorded = read_recording(folder / "events.jsonl")
    except ClipwatchError:
        return
    assert len(set(recorded.damage)) == len(recorded.damage)
    shown(recorded)
    with contextlib.suppress(BadInput):  # A rule or setting that this version does not know is refused in one line.
        repetition(recorded)
    compare(recorded, recorded.events)
    told = summarize_run("run", recorded)
    if report:
        assert contents([told], Words("en"))
    claimed = RunFolder(folder).claim()
    try:
        run = read_interrupted(RunFolder(folder), None)
        run.commands({})
    except BadInput:
        claimed.release()
        return
    recorder = Recorder(folder.parent)
    recorder.reopen(run.folder, claimed, recorded)
    list(recorder.through([]))
    assert RunFolder(folder).manifest()


def shown(recorded: Recorded) -> None:
    timeline, view = Timeline(recorded.table), RunView()
    for event in timeline.condensed(0, len(timeline)):
        view.fold(event)
    assert view.state.config


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = ["--iterations", "30", "--eval-every", "2", "--diagnose-every", "2"]
    command = '{"command":"SetClip","lane":"clipped","rule":"none","at_step":11}'
    return recordings.record(tmp_path_factory.mktemp("run"), *settings, "--control", input=command)


@pytest.mark.parametrize("how", DAMAGE)
def test_a_recording_damaged_in_any_way_is_used_as_far_as_it_is_whole(
    how: Damage, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(how.__name__)
    for number in range(TRIALS):
        folder = tmp_path / str(number)
        shutil.copytree(run, folder, ignore=shutil.ignore_patterns("*.pt", ".lock"))
        events = folder / "events.jsonl"
        events.write_bytes(damaged(events.read_bytes(), how, chance))
        use(folder, report=number == 0)
        capsys.readouterr()


@pytest.mark.parametrize("how", DAMAGE)
def test_a_sweep_damaged_in_any_way_is_used_as_far_as_it_is_whole(
    how: Damage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(how.__name__)
    whole = write_sweep(tmp_path)
    content = whole.results.read_bytes()
    for _ in range(TRIALS):
        whole.results.write_bytes(damaged(content, how, chance))
        assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
        try:
            read = read_sweep(SweepFolder(whole.path))
        except ClipwatchError:
            continue
        assert len(set(read.damage)) == len(read.damage)
        assert summaries(read.results) is not None
        assert comparisons(read.results) is not None
    capsys.readouterr()


@pytest.mark.parametrize("name", ["manifest.json", "config.toml", "checkpoints/clipped-0000000030.pt"])
def test_the_files_beside_a_recording_may_be_damaged_in_any_way(
    name: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(name)
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns(".lock"))
    (folder / "events.jsonl").write_bytes((run / "events.jsonl").read_bytes()[1:])
    content = (run / name).read_bytes()
    for _ in range(TRIALS):
        kind = chance.choice(["flip", "cut", "nonsense"])
        bytes_ = bytearray(content)
        if kind == "flip":
            bytes_[chance.randrange(len(bytes_))] ^= 1 << chance.randrange(8)
        elif kind == "cut":
            del bytes_[chance.randrange(len(bytes_)) :]
        else:
            bytes_ = bytearray(chance.choice((b"\0" * 10, b"\x1f\x8b\x08" + b"x" * 50, b"[" * 100_000, b"\xff")))
        (folder / name).write_bytes(bytes_)
        assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
        with contextlib.suppress(ClipwatchError):
            find("last", tmp_path, tell_nobody)
        with contextlib.suppress(ClipwatchError):
            read_interrupted(RunFolder(folder), None).snapshots([])
    capsys.readouterr()


def numbers(value: object) -> Iterator[tuple[object, ...]]:
    """Where the numbers of a JSON value are; of the items of a list, those of the first."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in items:
        if isinstance(item, int | float):
            yield (key,)
        yield from ((key, *path) for path in numbers(item))


def test_any_number_of_any_event_may_be_any_other(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (run / "events.jsonl").read_bytes().splitlines()
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("*.pt", ".lock"))
    first = {json.loads(line)["event"]: place for place, line in reversed(list(enumerate(lines)))}
    for place in first.values():
        for *path, last in numbers(json.loads(unsealed(lines[place]))):
            for number in (0, -1, 1e308):
                raw = inner = json.loads(unsealed(lines[place]))
                for key in path:
                    inner = inner[key]
                inner[last] = number
                changed = [*lines[:place], seal(json.dumps(raw, separators=(",", ":")).encode()), *lines[place + 1 :]]
                (folder / "events.jsonl").write_bytes(b"\n".join(changed) + b"\n")
                assert main(["replay", str(folder), "--no-ui", "--speed", "max", "--quiet"]) in (0, 2), (path, last)
    capsys.readouterr()

"""The file of commands to a watched loop: who may write it, and what its reader makes of any content."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from clipwatch.core.errors import BadInput
from clipwatch.core.runs import control_file
from clipwatch.core.runs.control_file import CONTROL, ControlReader, append, create, why_not_writable
from clipwatch.core.stream.codec import encode
from clipwatch.core.stream.commands import Pause, Resume, SetClip, Stop

MINE, OTHERS = os.geteuid(), os.geteuid() + 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    create(tmp_path)
    return tmp_path


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def reader(folder: Path, told: list[str]) -> ControlReader:
    return ControlReader(folder, told.append)


def put(folder: Path, text: bytes) -> None:
    with (folder / CONTROL).open("ab") as file:
        file.write(text)


def belongs_to(monkeypatch: pytest.MonkeyPatch, user: int) -> None:
    monkeypatch.setattr(control_file.os, "geteuid", lambda: user)


def test_only_its_user_can_read_and_write_the_file(folder: Path) -> None:
    assert stat.S_IMODE((folder / CONTROL).stat().st_mode) == 0o600


def test_creating_it_again_keeps_its_commands(folder: Path, reader: ControlReader) -> None:
    append(folder, Pause())
    create(folder)
    assert reader.commands() == [Pause()]


def test_commands_arrive_in_order_and_once(folder: Path, reader: ControlReader, told: list[str]) -> None:
    append(folder, Pause())
    append(folder, SetClip(lane="loop", rule="norm:1"))
    assert reader.commands() == [Pause(), SetClip(lane="loop", rule="norm:1")]
    assert reader.commands() == []
    append(folder, Stop())
    assert reader.commands() == [Stop()]
    assert told == []


def test_lines_of_two_writers_do_not_mix(folder: Path, reader: ControlReader, told: list[str]) -> None:
    rules = [SetClip(lane="loop", rule=f"norm:{number}") for number in range(1, 201)]
    halves = [rules[::2], rules[1::2]]
    writers = [threading.Thread(target=lambda half=half: [append(folder, each) for each in half]) for half in halves]
    for writer in writers:
        writer.start()
    found = []
    while any(writer.is_alive() for writer in writers):
        found += reader.commands()
    found += reader.commands()
    assert told == []
    assert [[each for each in found if each in half] for half in halves] == halves


def test_half_a_line_waits_for_its_end(folder: Path, reader: ControlReader, told: list[str]) -> None:
    line = encode(Pause()) + b"\n"
    put(folder, line[:9])
    assert reader.commands() == []
    put(folder, line[9:])
    assert reader.commands() == [Pause()]
    assert told == []


def test_bad_lines_are_told_and_the_others_obeyed(folder: Path, reader: ControlReader, told: list[str]) -> None:
    put(folder, b'no\n\xff\xfe\n\n{"command":"Dance"}\n' + encode(Resume()) + b"\r\n")
    assert reader.commands() == [Resume()]
    assert len(told) == 1
    assert told[0].startswith("command not understood: not a JSON line")
    assert told[0].endswith("(and 2 more)")


def test_a_line_without_an_end_takes_no_memory(
    folder: Path, reader: ControlReader, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_file, "_MOST_BYTES", 100)
    put(folder, b"x" * 250 + b"\n" + encode(Pause()) + b"\n")
    found = [command for _ in range(5) for command in reader.commands()]
    assert found == [Pause()]
    assert told


def test_a_file_that_became_shorter_is_read_from_its_start(folder: Path, reader: ControlReader) -> None:
    append(folder, SetClip(lane="loop", rule="norm:1"))
    assert len(reader.commands()) == 1
    (folder / CONTROL).write_bytes(encode(Stop()) + b"\n")
    assert reader.commands() == [Stop()]


def test_without_the_file_there_are_no_commands(folder: Path, reader: ControlReader, told: list[str]) -> None:
    (folder / CONTROL).unlink()
    assert reader.commands() == []
    assert told == []
    with pytest.raises(BadInput, match="takes no commands"):
        append(folder, Pause())


def test_a_file_of_another_user_is_neither_written_nor_obeyed(
    folder: Path, reader: ControlReader, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    append(folder, Stop())
    belongs_to(monkeypatch, OTHERS)
    with pytest.raises(BadInput, match="another user"):
        append(folder, Pause())
    assert (reader.commands(), reader.commands()) == ([], [])
    assert len(told) == 1
    belongs_to(monkeypatch, MINE)
    assert reader.commands() == [Stop()]


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_not_a_file_is_refused_without_waiting(tmp_path: Path, kind: str, told: list[str]) -> None:
    path, elsewhere = tmp_path / CONTROL, tmp_path / "elsewhere"
    elsewhere.write_bytes(encode(Stop()) + b"\n")
    make = {"link": lambda: path.symlink_to(elsewhere), "pipe": lambda: os.mkfifo(path), "folder": path.mkdir}
    make[kind]()
    assert why_not_writable(tmp_path)
    assert ControlReader(tmp_path, told.append).commands() == []


def test_a_full_disk_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_file.os, "write", lambda handle, line: 1)
    with pytest.raises(BadInput, match=r"control.jsonl: .*No space left.*not sent"):
        append(folder, Pause())

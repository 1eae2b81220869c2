"""Outputs that a user names: through links, with their modes, to pipes, to standard output."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import program
import pytest
import recordings

from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.files.outputs import is_stream, output_path, write_output


@pytest.mark.parametrize("before", [None, b"before, and longer"])
def test_a_file_is_written_whole_and_nothing_is_left_beside_it(before: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    if before:
        path.write_bytes(before)
    write_output(path, b"after")
    assert path.read_bytes() == b"after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_file_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.touch()
    path.chmod(mode)
    write_output(path, b"after")
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_one_and_what_it_names_is_written(exists: bool, tmp_path: Path) -> None:
    elsewhere, link = tmp_path / "elsewhere", tmp_path / "link"
    if exists:
        elsewhere.write_bytes(b"before")
    link.symlink_to("elsewhere")
    write_output(link, b"after")
    assert link.is_symlink()
    assert elsewhere.read_bytes() == b"after"


def test_another_name_of_a_file_is_still_one_of_it(tmp_path: Path) -> None:
    path, other = tmp_path / "out", tmp_path / "other"
    path.touch()
    other.hardlink_to(path)
    write_output(path, b"after")
    assert other.read_bytes() == b"after"


@pytest.mark.parametrize("through", ["path", "current folder", "link to the folder", "link to the file"])
@pytest.mark.parametrize("holds", ["events.jsonl", "sweep.jsonl"])
@pytest.mark.parametrize(
    "name",
    ["events.jsonl", "manifest.json", "config.toml", "control.jsonl", "sweep.jsonl", ".lock", "checkpoints/a-1.pt"],
)
def test_no_output_replaces_a_file_of_a_recording(
    name: str, holds: str, through: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / holds).write_bytes(b"recorded")
    (tmp_path / "to folder").symlink_to(folder)
    (tmp_path / "to file").symlink_to(folder / name)
    monkeypatch.chdir(folder)
    named = {
        "path": folder / name,
        "current folder": Path(name),
        "link to the folder": tmp_path / "to folder" / name,
        "link to the file": tmp_path / "to file",
    }
    before = sorted(folder.rglob("*"))
    with pytest.raises(BadInput, match="belongs to the recording in run; name another file"):
        write_output(named[through], b"exported")
    assert (folder / holds).read_bytes() == b"recorded"
    assert sorted(folder.rglob("*")) == before
    write_output(folder / "run.csv", b"exported")
    write_output(tmp_path / "config.toml", b"exported")


def test_a_file_that_is_read_only_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"before")
    path.chmod(0o444)
    with pytest.raises(ClipwatchError, match="read-only"):
        write_output(path, b"after")
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize("name", ["", "missing/out"])
def test_what_cannot_be_written_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(ClipwatchError, match="cannot write"):
        write_output(tmp_path / name, b"after")


def read_from(open_reader: Callable[[], bytes]) -> tuple[threading.Thread, list[bytes]]:
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(open_reader()))
    thread.start()
    return thread, read


def test_a_pipe_with_a_name_is_written_to(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread, read = read_from(path.read_bytes)
    write_output(path, b"after" * 100_000)
    thread.join()
    assert read == [b"after" * 100_000]
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_an_open_descriptor_is_written_to_where_it_stands(folder: str, tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb", buffering=0) as file:
        file.write(b"before ")
        write_output(Path(folder) / str(file.fileno()), b"after")
        file.write(b" and more")
    assert (tmp_path / "out").read_bytes() == b"before after and more"


def test_standard_output_is_a_dash_and_a_file_called_so_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("-", "/dev/stdout"):
        write_output(output_path(text), b"after")
        assert capfdbinary.readouterr().out == b"after"
        assert is_stream(output_path(text))
    write_output(output_path("./-"), b"a file")
    assert (tmp_path / "-").read_bytes() == b"a file"
    assert not is_stream(output_path("./-"))


@pytest.mark.parametrize("text", ["", "out/", "out/.", "."])
def test_a_folders_name_is_not_taken_for_a_files(text: str) -> None:
    with pytest.raises(BadInput, match="name a file"):
        output_path(text)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run of the program."""
    return recordings.record(tmp_path_factory.mktemp("runs"), "--iterations", "20", "--quiet")


OUTPUTS = [("export", "--csv"), ("export", "--steps"), ("export", "--json"), ("report", "-o")]


@pytest.mark.parametrize(("command", "option"), OUTPUTS)
def test_every_output_takes_a_dash_and_a_process(command: str, option: str, run: Path) -> None:
    if command == "report":
        pytest.importorskip("matplotlib", reason="the report's figures need matplotlib")
    expected = program.call(command, str(run), option, "-").stdout
    assert expected.startswith(("row,lane,rule", "lane,rule,step", "[{", "<!"))
    words = " ".join([*program.COMMAND, command, str(run), option])
    done = subprocess.run(["bash", "-c", f"{words} >(cat >&2)"], capture_output=True, timeout=program.DEADLINE)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode() == expected


def test_markdown_for_standard_output_has_no_place_for_its_figures(run: Path) -> None:
    done = program.call("report", str(run), "--format", "md", "-o", "-")
    assert done.returncode == 2
    assert "files beside it" in done.stderr

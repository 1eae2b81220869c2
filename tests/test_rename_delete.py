"""Recorded runs and sweeps are renamed and deleted: nothing else is, and nothing that is under way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from test_recorded_folders import unheard, write_run
from test_runs_table import write as write_sweep
from virtual_terminal import CLIPWATCH, VirtualTerminal

from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.sweeps.housekeeping import contents, delete, rename
from clipwatch.core.sweeps.recorded_folders import find, recorded_folders
from clipwatch.tui.cli.main import main


def listed(home: Path) -> list[str]:
    return [folder.path.name for folder in recorded_folders(home, unheard)]


def test_a_renamed_run_is_the_same_run_and_is_still_the_last(tmp_path: Path) -> None:
    run = write_run(tmp_path, 2.0)
    write_sweep(tmp_path)
    manifest = run.manifest()
    assert rename(run, "my run") == tmp_path / "my run"
    found = find("my run", tmp_path, unheard)
    assert found == find("last", tmp_path, unheard)
    assert found.path == tmp_path / "my run"
    assert find("my run", tmp_path, unheard).started() == manifest.started
    assert not found.is_being_written()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "/tmp/x", "last", "-x", "~x", ".x", " a", "a ", "a\nb", "a\x00b", "\udcff", "x" * 300],
)
def test_a_name_that_cannot_be_used_is_refused(name: str, tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    with pytest.raises(ClipwatchError):
        rename(run, name)
    assert listed(tmp_path) == [run.path.name]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.symlink_to("nowhere")])
def test_no_name_that_exists_is_taken(make, tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    make(tmp_path / "taken")
    with pytest.raises(BadInput, match="exists; use another name"):
        rename(run, "taken")
    assert run.path.is_dir()


def test_a_run_or_sweep_is_deleted_with_all_that_was_written_for_it(tmp_path: Path) -> None:
    run, sweep, other = write_run(tmp_path, 1.0), write_sweep(tmp_path), write_run(tmp_path, 2.0)
    run.checkpoints.mkdir()
    (run.checkpoints / "clipped-0000000500.pt").write_bytes(b"12345")
    (run.path / ".manifest.json-0123456789abcdef").touch()
    assert contents(run).bytes > 5
    for folder in (run, sweep):
        delete(folder)
    assert [path.name for path in tmp_path.iterdir()] == [other.path.name]


def test_what_another_process_writes_is_neither_renamed_nor_deleted(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    with run.claim():
        for act in (delete, lambda folder: rename(folder, "other")):
            with pytest.raises(BadInput, match="another process is writing it"):
                act(run)
    assert listed(tmp_path) == [run.path.name]


def test_a_run_that_another_process_deleted_is_neither_renamed_nor_made_again(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    shutil.rmtree(run.path)
    for act in (delete, lambda folder: rename(folder, "other")):
        with pytest.raises(BadInput, match="no such folder"):
            act(run)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["notes.txt", "checkpoints/mine.txt", "data/mnist.gz", "checkpoints/a/b.pt", "empty/"])
def test_a_folder_that_holds_files_of_others_is_not_deleted(name: str, tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    foreign = run.path / name
    foreign.parent.mkdir(exist_ok=True, parents=True)
    if name.endswith("/"):
        foreign.mkdir()
    else:
        foreign.write_text("precious")
    with pytest.raises(BadInput, match=f"also holds {name.rstrip('/')}, which clipwatch did not write"):
        delete(run)
    assert foreign.exists()
    assert listed(tmp_path) == [run.path.name]


def test_no_link_is_followed(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    run, real = write_run(home, 1.0), write_run(elsewhere, 2.0)
    (elsewhere / "a-0000000001.pt").touch()
    (home / "link").symlink_to(real.path)
    for act in (delete, lambda folder: rename(folder, "other")):
        with pytest.raises(BadInput, match="is a link to"):
            act(find("link", home, unheard))
    run.checkpoints.symlink_to(elsewhere)
    with pytest.raises(BadInput, match="also holds checkpoints"):
        delete(run)
    run.checkpoints.unlink()
    (run.path / "config.toml").symlink_to(elsewhere / "a-0000000001.pt")
    with pytest.raises(BadInput, match="also holds"):
        delete(run)
    assert (elsewhere / "a-0000000001.pt").exists()
    assert (real.path / "manifest.json").exists()


def test_a_deletion_that_was_cut_off_leaves_nothing_that_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(tmp_path, 1.0)

    def fail(path: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", fail)
        with pytest.raises(ClipwatchError, match=r"is left of run .*: Input/output error; remove it by hand"):
            delete(run)
    assert len(list(tmp_path.iterdir())) == 1
    assert listed(tmp_path) == []
    delete(write_run(tmp_path, 2.0))
    assert list(tmp_path.iterdir()) == []


def test_what_may_not_be_moved_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(tmp_path, 1.0)

    def refuse(*arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rename", refuse)
    for act in (delete, lambda folder: rename(folder, "other")):
        with pytest.raises(ClipwatchError, match=r"run .*: Permission denied"):
            act(run)


# The command line


def test_the_commands_rename_and_delete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, sweep = write_run(tmp_path, 1.0), write_sweep(tmp_path)
    home = ["--runs-dir", str(tmp_path)]
    assert main(["runs", "rename", run.path.name, "mine", *home]) == 0
    assert capsys.readouterr().out == f"{run.path.name} is now mine\n"
    assert main(["runs", "delete", "mine", sweep.path.name, "mine", "--yes", *home]) == 0
    assert [line.partition(" (")[0] for line in capsys.readouterr().out.splitlines()] == [
        "deleted mine",
        f"deleted {sweep.path.name}",
    ]
    assert listed(tmp_path) == []


def test_without_a_terminal_nothing_is_deleted_unless_yes_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path, 1.0)
    assert main(["runs", "delete", run.path.name, "--runs-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "clipwatch: delete: there is no terminal to ask on; add --yes\n"
    assert listed(tmp_path) == [run.path.name]


def test_nothing_is_deleted_if_one_of_several_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_run(tmp_path, float(number)) for number in range(3)]
    (runs[1].path / "notes").touch()
    names = [run.path.name for run in runs]
    assert main(["runs", "delete", *names, "--yes", "--runs-dir", str(tmp_path)]) == 2
    assert main(["runs", "delete", names[0], "nothing", "--yes", "--runs-dir", str(tmp_path)]) == 2
    (runs[1].path / "notes").unlink()
    with runs[2].claim():
        assert main(["runs", "delete", *names, "--yes", "--runs-dir", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
    assert listed(tmp_path) == names


@pytest.mark.parametrize(("answer", "deleted"), [("y\r", True), ("\r", False), ("n\r", False)])
def test_a_terminal_is_asked(answer: str, deleted: bool, tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    terminal = VirtualTerminal([*CLIPWATCH, "runs", "delete", run.path.name, "--runs-dir", str(tmp_path)])
    try:
        terminal.shows(run.path.name, "for ever? [y/N]")
        terminal.type(answer)
        assert terminal.ends() == (0 if deleted else 1)
        assert run.path.exists() is not deleted
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("runs foo", "unknown command 'runs foo'; the commands are runs rename, runs delete"),
        ("runs renam a b", "did you mean 'clipwatch runs rename'?"),
        ("runs rm a", "did you mean 'clipwatch runs delete'?"),
        ("rename a b", "did you mean 'clipwatch runs rename'?"),
        ("runs --json rename a b", "the command goes first: clipwatch runs rename [OPTIONS]"),
        ("runs rename a", "the following arguments are required: NAME; see clipwatch runs rename --help"),
        ("runs rename a b c", "unexpected argument 'c'; see clipwatch runs rename --help"),
        ("runs rename a b --yes", "'clipwatch runs rename' has no option --yes"),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        raise SystemExit(main(line.split()))
    assert words in capsys.readouterr().err

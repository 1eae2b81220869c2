"""The runs and sweeps in a folder: listed without a trace, found by name and as the last, held by one process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_runs_table import write as write_sweep
from test_state import EVALUATED, FINISHED, LANE, RUN

from clipwatch.core.data import cache
from clipwatch.core.data.catalog import KINDS
from clipwatch.core.data.request import Limits, Request
from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.files import lock
from clipwatch.core.files.atomic import write_atomically
from clipwatch.core.runs.folder import Manifest, RunFolder, create_run
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.events import RunFinished
from clipwatch.core.sweeps.recorded_folders import find, find_run, recorded_folders
from clipwatch.core.sweeps.store import SweepFolder, SweepWriter, read_sweep
from clipwatch.tui.cli.main import main


def write_run(home: Path, started: float, *, state: str = "done") -> RunFolder:
    """A run of which there is no more than its manifest says."""
    folder = create_run(home, "digits", int(started), started)
    told = {"seed": 0, "dataset": RUN.dataset, "device": "cpu", "versions": {}, "lanes": ()}
    folder.write_manifest(Manifest(state=state, started=started, **told))  # type: ignore[arg-type]
    return folder


def unheard(text: str) -> None:
    raise AssertionError(text)


def test_the_last_is_what_was_started_last_whatever_was_touched_since(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)  # begun at 0
    runs = [write_run(tmp_path, started) for started in (300.0, 100.0, 200.0)]
    for path in (runs[1].path, sweep.path):
        (path / "exported.csv").touch()
        os.utime(path)
    assert find("last", tmp_path, unheard) == runs[0]
    assert find_run("last", tmp_path, unheard) == runs[0]


def test_a_sweep_may_be_the_last_but_not_where_a_run_is_needed(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    sweep = write_sweep(home)
    (home / "aside").mkdir()
    assert find("last", home, unheard) == sweep
    with pytest.raises(BadInput, match="there is no run in"):
        find_run("last", home, unheard)
    with pytest.raises(BadInput, match="is a sweep"):
        find_run(sweep.path.name, home, unheard)


def test_a_folder_called_last_is_named_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    write_run(home, 1.0)
    for name in ("last", "-first"):
        write_run(here, 2.0).path.rename(here / name)
        monkeypatch.chdir(here)
        assert find(f"./{name}", home, unheard).path == here / name


def test_a_run_may_be_named_like_a_home_folder(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    odd = run.path.rename(tmp_path / "~odd")
    assert find("~odd", tmp_path, unheard).path == odd


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no run in"):
        find("last", tmp_path / "none", unheard)
    with pytest.raises(BadInput, match="no such folder"):
        find("nothing", tmp_path, unheard)
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="Not a directory"):
        list(recorded_folders(tmp_path / "file", unheard))


def damaged_manifest(home: Path) -> None:
    (write_run(home, 9.0).path / "manifest.json").write_text('{"started": 1e300')


def manifest_that_is_a_folder(home: Path) -> None:
    folder = write_run(home, 9.0).path / "manifest.json"
    folder.unlink()
    folder.mkdir()


def manifest_that_is_a_pipe(home: Path) -> None:
    path = write_run(home, 9.0).path / "manifest.json"
    path.unlink()
    os.mkfifo(path)


def manifest_that_leads_nowhere(home: Path) -> None:
    path = write_run(home, 9.0).path / "manifest.json"
    path.unlink()
    path.symlink_to("nowhere")


def manifest_from_the_year_1e9(home: Path) -> None:
    path = write_run(home, 9.0).path / "manifest.json"
    path.write_text(path.read_text().replace('"started": 9.0', '"started": 3e19'))


def empty_sweep(home: Path) -> None:
    write_sweep(home).results.write_bytes(b"")


UNREADABLE = [
    damaged_manifest,
    manifest_that_is_a_folder,
    manifest_that_is_a_pipe,
    manifest_that_leads_nowhere,
    manifest_from_the_year_1e9,
    empty_sweep,
]


@pytest.mark.parametrize("make", UNREADABLE)
def test_what_cannot_be_read_is_one_line_and_the_others_are_listed_and_found(
    make: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path)
    whole = write_run(tmp_path, 5.0)
    assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert whole.path.name in out
    assert len(err.splitlines()) == 1
    told: list[str] = []
    assert find("last", tmp_path, told.append) == whole
    assert len(told) == 1


def test_a_folder_that_may_not_be_looked_into_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, closed = write_run(tmp_path, 5.0), tmp_path / "lost+found"
    closed.mkdir()
    look = os.lstat

    def lstat(path: Path, **arguments: int) -> os.stat_result:
        if Path(path).parent == closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return look(path, **arguments)

    monkeypatch.setattr("clipwatch.core.sweeps.recorded_folders.os.lstat", lstat)
    told: list[str] = []
    assert list(recorded_folders(tmp_path, told.append)) == [whole]
    assert told == [f"{closed}: Permission denied; it is skipped"]


# Who writes


def test_listing_runs_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path, 1.0, state="running")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))}
    assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
    assert "interrupted" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (tmp_path, *tmp_path.rglob("*"))} == before
    assert not folder.is_being_written()


ASKING = """
import sys
from pathlib import Path
from clipwatch.core.files.lock import is_held
print("asking", flush=True)
while True:
    is_held(Path(sys.argv[1]))
"""


def test_whoever_asks_without_a_pause_refuses_nobody(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1.0)
    asking = [
        subprocess.Popen([sys.executable, "-c", ASKING, folder.path], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        for process in asking:
            assert process.stdout
            assert process.stdout.readline() == "asking\n"
        for _ in range(100):
            folder.claim().release()
    finally:
        for process in asking:
            process.kill()
            process.communicate()


def test_a_run_whose_lock_may_not_be_read_is_taken_for_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_run(tmp_path, 1.0, state="running")

    def refuse(*arguments: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("clipwatch.core.files.lock.os.open", refuse)
    assert lock.is_held(folder.path)


def test_a_run_is_held_while_it_is_written(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1.0, state="running")
    with folder.claim():
        assert folder.manifest().state == "running"
        began = time.monotonic()
        with pytest.raises(BadInput, match="another process is writing it"):
            folder.claim()
        assert time.monotonic() - began < 5
    assert folder.manifest().state == "interrupted"


def test_a_sweep_that_somebody_else_has_gone_on_with_is_not_cut_off(tmp_path: Path) -> None:
    folder = write_sweep(tmp_path, seeds=1)
    read = read_sweep(folder)
    with folder.results.open("ab") as file:
        file.write(b"more\n")
    content = folder.results.read_bytes()
    with pytest.raises(BadInput, match="meanwhile"):
        SweepWriter(folder, read)
    assert folder.results.read_bytes() == content
    assert not folder.is_being_written()


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def _no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(handle: int, operation: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr("fcntl.flock", refuse)


@pytest.mark.usefixtures("_no_locks")
def test_a_disk_without_locks_is_said_in_the_same_words_by_all_who_write_there(tmp_path: Path) -> None:
    def download() -> None:
        request = Request(data_dir=None, offline=False, report=[].append, cancelled=lambda: False, limits=Limits())
        with cache.writing(tmp_path / "cache", KINDS["mnist"], request):
            pass

    run, sweep = write_run(tmp_path, 1.0), SweepFolder(tmp_path)
    attempts: list[Callable[[], object]] = [
        run.claim,
        lambda: SweepWriter(sweep),
        lambda: list(Recorder(tmp_path).through([RUN])),
        download,
    ]
    for attempt in attempts:
        with pytest.raises(ClipwatchError, match=r"its disk has no locks, .* name a folder elsewhere"):
            attempt()
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {run.path.name, "cache"}
    assert not run.is_being_written()


def test_what_a_killed_writer_left_is_removed_by_the_next_and_nothing_else(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1.0)
    folder.checkpoints.mkdir()
    mine = [folder.path / ".hidden-file", folder.path / "notes", folder.checkpoints / "a-0000000001.pt"]
    for path in mine:
        path.touch()
    for path in (folder.path / "manifest.json", folder.checkpoints / "clipped-0000000100.pt"):
        with pytest.MonkeyPatch.context() as patch:
            # As if the process had died there.
            patch.setattr("os.replace", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
            patch.setattr("os.unlink", lambda path: None)
            with pytest.raises(KeyboardInterrupt):
                write_atomically(path, b"half")
    assert len(list(folder.path.rglob(".*-*"))) == 3
    folder.claim().release()
    left = {path for path in folder.path.rglob("*") if path.is_file()}
    assert left == {*mine, folder.path / "manifest.json", folder.path / ".lock"}


def test_recording_leaves_a_run_that_is_listed_as_it_ended(tmp_path: Path) -> None:
    end = RunFinished(reason="completed", seconds=9.0)
    list(Recorder(tmp_path).through([RUN, LANE, EVALUATED, FINISHED, end]))
    (folder,) = recorded_folders(tmp_path, unheard)
    assert isinstance(folder, RunFolder)
    assert folder.manifest().state == "done"

"""Every path that a user can give is expanded in one way, and one that cannot be is a line."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import program
import pytest

from clipwatch.core.data import cache
from clipwatch.core.errors import BadInput
from clipwatch.core.files.paths import path_text, user_path
from clipwatch.core.runs import folder as runs

SHORT = ("--no-ui", "--dataset", "digits", "--iterations", "2")


def test_a_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/some/home")
    assert user_path("~/x") == Path("/some/home/x")
    assert user_path("a~b") == Path("a~b")
    assert user_path("./~/x") == Path("~/x")


@pytest.mark.parametrize("text", ["~nosuchuser/x", "a\0b", ""])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="path "):
        user_path(text)


def test_bytes_that_are_no_text_are_written_out() -> None:
    assert path_text(Path(os.fsdecode(b"/a/\xd4\xcb"))) == r"/a/\xd4\xcb"


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        (("--runs-dir", "~/runs"), "runs"),
        (("--tensorboard=~/board",), "board"),
        (("--config=~/run.toml",), "run.toml"),
    ],
)
def test_a_run_takes_its_paths_from_home(arguments: tuple[str, ...], made: str, tmp_path: Path) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir()
    here.mkdir()
    (home / "run.toml").write_text("seed = 7\n")
    done = program.call(*SHORT, *arguments, cwd=here, HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert (home / made).exists()
    assert not list(here.iterdir())


def test_what_is_made_of_a_run_goes_home_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    program.call(*SHORT, "--runs-dir", str(home / "runs"))
    (run,) = (home / "runs").iterdir()
    written = {
        "x.csv": ("export", f"~/runs/{run.name}", "--csv=~/x.csv"),
        "x.json": ("export", f"~/runs/{run.name}", "--json=~/x.json"),
        "x.md": ("report", f"~/runs/{run.name}", "--output=~/x.md"),
    }
    for file, arguments in written.items():
        done = program.call(*arguments, cwd=tmp_path, HOME=str(home))
        assert done.returncode == 0, done.stderr
        assert (home / file).is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs", "--runs-dir", "~nosuchuser/x"),
        (*SHORT, "--data-dir", "~nosuchuser/x"),
        ("replay", "~nosuchuser/x", "--no-ui"),
        ("sweep", "--no-ui", "--config", "~nosuchuser/x"),
    ],
)
def test_no_such_user_is_one_line(arguments: tuple[str, ...]) -> None:
    done = program.call(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "~nosuchuser/x" in done.stderr


def test_without_a_home_the_option_to_give_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLIPWATCH_RUNS_DIR", "CLIPWATCH_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("user_data_path", "user_cache_path"):
        monkeypatch.setattr(platformdirs, name, lambda _: Path("~/.local/clipwatch"))
    with pytest.raises(BadInput, match="--runs-dir"):
        runs.runs_folder(None)
    with pytest.raises(BadInput, match="CLIPWATCH_CACHE_DIR"):
        cache.cache_folder()

"""What is installed: every package, the data, and nothing beside `clipwatch/`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_folder_of_code_is_a_package() -> None:
    folders = {file.parent for house in ("core", "tui") for file in (ROOT / house).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").read_text(encoding="utf-8").strip()]


def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(tmp_path: Path) -> None:
    # The folder is copied, for a build leaves things behind.
    done = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).exists():
            (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "source" / name, follow_symlinks=False)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        tmp_path,
        tmp_path / "source",
    ]
    built = subprocess.run(command, capture_output=True, text=True)
    if "setuptools" in built.stderr and built.returncode:
        pytest.skip("no registry to build with: pip cannot get setuptools")
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"clipwatch"}
    for file in (
        "py.typed",
        "core/data/embedded/digits.npz",
        "core/engine/engine.py",
        "tui/live/app.py",
        "tui/screens/main.py",
    ):
        assert f"clipwatch/{file}" in names

"""What is installed: every package, the data, and nothing beside `clipwatch/`."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_folder_of_code_is_a_package_that_is_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = [file.parent for house in ("core", "tui") for file in (ROOT / house).rglob("*.py")]
    assert {"clipwatch." + ".".join(folder.relative_to(ROOT).parts) for folder in folders} == set(
        setuptools["packages"]
    )


def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(tmp_path: Path) -> None:
    # The folder is copied, for a build leaves things behind.
    done = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).exists():
            (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "source" / name).write_bytes((ROOT / name).read_bytes())
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
    for file in ("core/data/digits.npz", "core/engine.py", "core/py.typed", "tui/app.py", "tui/screens/main.py"):
        assert f"clipwatch/{file}" in names

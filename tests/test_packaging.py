"""What is installed: every module, the data, and nothing beside `clipwatch/`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_the_package_and_its_data_and_nothing_else(tmp_path: Path) -> None:
    # The sources are copied, for a build leaves things behind; it is setuptools's own, and needs no registry.
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "__pycache__", "build", "dist", "docs", "tests", "benchmarks")
    shutil.copytree(ROOT, source, symlinks=True, ignore=ignored)
    build = "import sys, setuptools.build_meta as backend; backend.build_wheel(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", build, tmp_path], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in names} == {"clipwatch"}
    files = [path for house in ("core", "tui") for kind in ("*.py", "*.npz") for path in (ROOT / house).rglob(kind)]
    assert len(files) > 100
    assert {name for name in names if name.count("/") > 1 and not name.endswith("py.typed")} == {
        f"clipwatch/{path.relative_to(ROOT)}" for path in files
    }
    assert any(name.endswith("py.typed") for name in names)

"""How many cores a process may use: its affinity, the quotas over it, its job."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.sweeps import usable_cores as cores
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.usable_cores import usable_cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="affinity and control groups are Linux's")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A process on 64 cores in control groups that lie in the folder returned."""
    monkeypatch.setattr(cores, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(cores, "_MOUNT", tmp_path / "mount")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setattr(os, "process_cpu_count", lambda: 64, raising=False)
    return tmp_path


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


V1 = "9:name=systemd:/\n4:cpu,cpuacct:/docker/x\n3:cpuacct:/y\n0::/\n"
QUOTAS = {
    "none": ("0::/a/b\n", {}, 64),
    "without a limit": ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n"}, 64),
    "of its own": ("0::/a/b\n", {"a/b/cpu.max": "300000 100000\n"}, 3),
    "of a parent": ("0::/a/b\n", {"a/b/cpu.max": "300000 100000\n", "a/cpu.max": "200000 100000\n"}, 2),
    "seen from inside": ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
    "less than one": ("0::/\n", {"cpu.max": "5000 100000\n"}, 1),
    "garbage": ("0::/\n", {"cpu.max": "\n"}, 64),
    "version 1": (V1, {"cpu/docker/x/cpu.cfs_quota_us": "400000\n", "cpu/docker/x/cpu.cfs_period_us": "100000\n"}, 4),
    "version 1 at the root": (V1, {"cpu/cpu.cfs_quota_us": "500000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 5),
    "version 1, none": (V1, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 64),
}


@pytest.mark.parametrize("quota", QUOTAS)
def test_a_quota_bounds_the_cores(quota: str, machine: Path) -> None:
    groups, files, wanted = QUOTAS[quota]
    put(machine / "groups", groups)
    for name, text in files.items():
        put(machine / "mount" / name, text)
    assert usable_cores({}) == wanted


@pytest.mark.parametrize(("slurm", "wanted"), [("8", 8), ("128", 64), ("", 64), ("x", 64), ("0", 1)])
@pytest.mark.usefixtures("machine")
def test_slurm_bounds_the_cores(slurm: str, wanted: int) -> None:
    assert usable_cores({"SLURM_CPUS_PER_TASK": slurm}) == wanted


def test_affinity_bounds_the_cores() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores({}) == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("machine")
def test_a_sweep_takes_as_many_workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    config = sweep_config(RunConfig(settings={"dataset": "digits"}), {"clip": ["none"]}, 1, ())
    assert Sweep(config, tmp_path)._workers == 3
    assert Sweep(config, tmp_path, workers=5)._workers == 5

"""The number of processor cores that this process may use, which can be fewer than the machine has."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


def usable_cores(environment: Mapping[str, str] = os.environ) -> int:
    """The smallest of the process's CPU affinity, its control groups' quotas, and its Slurm job's cores; at least 1."""
    slurm = environment.get("SLURM_CPUS_PER_TASK", "")
    job = [int(slurm)] if slurm.isdecimal() else []
    return max(1, min([_by_affinity(), *job, *map(math.ceil, _quotas())]))


def _by_affinity() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas() -> Iterator[float]:
    """The quota in cores of each control group of this process that has one."""
    for line in _read(_GROUPS).splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield from _limits(_MOUNT, group, "cpu.max")
        elif "cpu" in controllers.split(","):
            yield from _limits(_MOUNT / "cpu", group, "cpu.cfs_quota_us", "cpu.cfs_period_us")


def _limits(mount: Path, group: str, *files: str) -> Iterator[float]:
    # In a container the group may have its path on the host, which does not exist here; such files read as empty.
    folder = mount / group.lstrip("/")
    for place in (folder, *folder.parents):
        if place.is_relative_to(mount):
            quota, period, *_ = (*" ".join(_read(place / file) for file in files).split(), "", "")
            if quota.isdecimal() and period.isdecimal() and int(period):
                yield int(quota) / int(period)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""

"""A sweep on a Ray cluster of two nodes on this machine, one of which is lost under way."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import Event
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, SweepFinished
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.store import SweepFolder, read_sweep

ray = pytest.importorskip("ray", reason='ray is not installed: pip install ".[ray]"')
cluster_utils = pytest.importorskip("ray.cluster_utils", reason="ray has no cluster to test with")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def cluster() -> Iterator[object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        node = {"num_cpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
        made = cluster_utils.Cluster(initialize_head=True, head_node_args=node)
        yield made
        ray.shutdown()
        made.shutdown()


def test_units_of_a_node_that_is_lost_are_done_again_and_nothing_counts_twice(cluster, tmp_path: Path) -> None:
    from clipwatch.core.sweeps.ray_backend import RayBackend

    second = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    base = RunConfig(settings={"dataset": "digits"}, iterations=60)
    config = sweep_config(base, {"clip": ["none", "value:0.001"]}, 40, ())
    sweep = Sweep(config, tmp_path, backend=RayBackend(config.base, cluster.address))
    events: list[Event] = []
    lost = False
    for event in sweep.run():
        events.append(event)
        if isinstance(event, ReplicaFinished) and not lost:
            lost = True
            assert len([node for node in ray.nodes() if node["Alive"]]) == 2
            cluster.remove_node(second, allow_graceful=False)
    keys = [event.key for event in events if isinstance(event, ReplicaFinished)]
    assert sorted(keys) == [(setting, seed) for setting in (0, 1) for seed in range(40)]
    assert isinstance(events[-1], SweepFinished)
    (path,) = tmp_path.iterdir()
    written = (path / "sweep.jsonl").read_bytes().splitlines()
    assert len(written) == 1 + len(keys)
    assert len(read_sweep(SweepFolder(path)).results.replicas) == 80


def test_ray_gives_what_this_machine_gives(cluster, tmp_path: Path) -> None:
    from clipwatch.core.sweeps.ray_backend import RayBackend

    config = sweep_config(RunConfig(settings={"dataset": "digits"}, iterations=5), {"clip": ["none"]}, 9, ())
    there = Sweep(config, tmp_path / "ray", backend=RayBackend(config.base, cluster.address)).run()
    here = Sweep(config, tmp_path / "local", workers=1).run()
    first, second = (
        {event.key: msgspec.structs.astuple(event) for event in events if isinstance(event, ReplicaFinished)}
        for events in (list(there), list(here))
    )
    assert first == second


def test_a_cluster_of_its_own_listens_on_the_loopback_alone() -> None:
    code = """
from clipwatch.core.sweeps.ray_backend import _connect

print([node["NodeManagerAddress"] for node in _connect(None, 1).nodes()])
"""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120)
    assert run.stdout == "['127.0.0.1']\n"

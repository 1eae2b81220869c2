"""Sweeps of a user's experiment: a replica a process, settings of the experiment as axes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from own_experiment import FILE, own_config, processes

from clipwatch.core.engine.engine import Engine
from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.stream.config import LaneConfig, from_options
from clipwatch.core.stream.events import LaneFinished
from clipwatch.core.stream.sweep_config import SweepConfig, sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, SweepFinished, SweepStarted
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.store import SweepFolder, read_sweep
from clipwatch.tui.text.sweep_estimate import estimate

AXES = {"clip": ["none", "norm:0.1"], "hidden": [4, 8], "learning_rate": [0.01, 0.1]}


def grid(folder: Path, **settings: object) -> SweepConfig:
    return sweep_config(own_config(folder, settings, iterations=20), AXES, 2, ())


def by_key(events: list[object]) -> dict[tuple[int, int], ReplicaFinished]:
    return {event.key: event for event in events if isinstance(event, ReplicaFinished)}


def alone(config: SweepConfig, setting: int, seed: int) -> LaneFinished:
    """The end of a run with the setting and seed of a replica, whose lane trains in a process of its own."""
    run = msgspec.structs.replace(config.settings[setting].config, seed=seed)
    return next(event for event in Engine(run).run() if isinstance(event, LaneFinished))


def test_replicas_end_as_runs_do_and_are_trained_in_the_workers(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = grid(tmp_path, fault="print", at=20)
    events = list(Sweep(config, tmp_path / "sweeps", workers=2).run())
    replicas = by_key(events)
    assert sorted(replicas) == [(setting, seed) for setting in range(8) for seed in range(2)]
    # One process describes the experiment, and each of two workers trains eight replicas.
    assert 2 <= len(processes(tmp_path)) <= 3
    assert "from the descriptor" in (printed := capfd.readouterr()).err
    assert printed.out == ""
    for setting, seed in ((0, 0), (7, 1)):
        end, replica = alone(config, setting, seed), replicas[setting, seed]
        assert (replica.loss, replica.correct, replica.step) == (end.loss, end.correct, 20)
    assert isinstance(events[-1], SweepFinished)


def test_the_duration_of_a_sweep_is_estimated_for_built_in_experiments_only(tmp_path: Path) -> None:
    order = from_options({"experiment": "temporal-order", "iterations": 1000, "batch_size": 20})
    longer = msgspec.structs.replace(order, settings={**order.settings, "length": 40})
    short, long = (sweep_config(base, {}, 32, ()).seconds(1) or 0 for base in (order, longer))
    # Half a millisecond a step.
    assert 16 <= short <= 25
    assert long > 30
    own = grid(tmp_path)
    assert own.seconds(1) is None
    assert estimate(own, 2) == "on 2 cores"


def test_the_order_of_a_set_is_the_same_in_lanes_and_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "random")
    config = sweep_config(own_config(tmp_path, iterations=5), {"hidden": [4]}, 1, ())
    noise = "noise = hash('a text') % 1000 / 1000 + "
    (tmp_path / "mine.py").write_text(FILE.replace("noise = ", noise))
    (replica,) = by_key(list(Sweep(config, tmp_path / "sweeps", workers=1).run())).values()
    assert replica.loss == alone(config, 0, 0).loss == alone(config, 0, 0).loss


def test_an_axis_of_the_optimizer_is_refused_where_the_experiment_makes_its_own(tmp_path: Path) -> None:
    config = sweep_config(own_config(tmp_path, iterations=5), {"learning_rate": [0.01, 0.1]}, 1, ())
    method = "\n    def make_optimizer(self, parameters):\n        return torch.optim.SGD(parameters, lr=0.1)\n"
    (tmp_path / "mine.py").write_text(FILE + method)
    with pytest.raises(BadInput, match="makes its own optimizer, so all values of learning-rate would train the same"):
        list(Sweep(config, tmp_path / "sweeps", workers=1).run())
    assert not (tmp_path / "sweeps").exists()


def test_a_sweep_says_what_it_trains_and_is_read_back(tmp_path: Path) -> None:
    config = sweep_config(own_config(tmp_path, iterations=5), {"hidden": [4, 8]}, 1, ())
    events = list(Sweep(config, tmp_path / "sweeps", workers=1).run())
    (started,) = [event for event in events if isinstance(event, SweepStarted)]
    assert (started.experiment.name, started.dataset.training) == ("Mine", 150)
    assert started.config.base.settings["at"] == 30
    assert "hidden" not in started.config.base.settings
    (path,) = (tmp_path / "sweeps").iterdir()
    stored = read_sweep(SweepFolder(path))
    assert by_key(list(stored.results.replicas.values())) == by_key(events)
    assert list(Sweep.resume(SweepFolder(path), stored, workers=1).run())[-1].reason == "completed"  # type: ignore[attr-defined]


def test_a_wrong_value_of_an_axis_is_refused_and_leaves_no_sweep(tmp_path: Path) -> None:
    config = sweep_config(own_config(tmp_path, iterations=5), {"hidden": [4, "many"]}, 1, ())
    with pytest.raises(BadInput, match="hidden"):
        list(Sweep(config, tmp_path / "sweeps", workers=1).run())
    config = sweep_config(own_config(tmp_path, iterations=5), {"hiden": [4, 5]}, 1, ())
    with pytest.raises(BadInput, match="did you mean 'hidden'"):
        list(Sweep(config, tmp_path / "sweeps", workers=1).run())
    assert not list((tmp_path / "sweeps").glob("*/*"))


def test_an_error_of_a_replica_names_it_and_its_place(tmp_path: Path) -> None:
    config = sweep_config(own_config(tmp_path, {"fault": "error", "at": 15}, iterations=20), {"hidden": [4]}, 1, ())
    with pytest.raises(ClipwatchError, match=r"hidden 4, seed 0: .*mine\.py:\d+: ValueError: this batch is bad"):
        list(Sweep(config, tmp_path / "sweeps", workers=1).run())


@pytest.mark.filterwarnings("ignore")
def test_ray_gives_what_this_machine_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    from clipwatch.core.sweeps.ray_backend import RayBackend

    base = own_config(tmp_path, iterations=5)
    monkeypatch.chdir(tmp_path)
    relative = msgspec.structs.replace(base, experiment="mine.py:Mine", lanes=(LaneConfig("a", "none"),))
    config = sweep_config(relative, {"hidden": [4, 8]}, 2, ())
    try:
        there = list(Sweep(config, tmp_path / "ray", backend=RayBackend(relative, None, workers=1)).run())
    finally:
        ray.shutdown()
    here = list(Sweep(config, tmp_path / "local", workers=1).run())
    assert len(by_key(there)) == 4
    assert {key: msgspec.structs.astuple(each) for key, each in by_key(there).items()} == {
        key: msgspec.structs.astuple(each) for key, each in by_key(here).items()
    }

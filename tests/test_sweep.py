"""Sweeps: stacked replicas against single runs, the grid, the folder, the program."""

from __future__ import annotations

import math
import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import program
import pytest
import torch
from scipy import stats

from clipwatch.core.clipping.clippers import make_clipper
from clipwatch.core.data.datasets import load
from clipwatch.core.engine.engine import Engine
from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.experiments.lenet.network import LAYOUT, PARAMETERS
from clipwatch.core.reports.phrases import Words
from clipwatch.core.reports.sweep_words import sentence, short_sentence
from clipwatch.core.stream.codec import decode_sweep_event, encode, is_sealed, seal
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import DatasetInfo, Evaluated, Event, LaneFinished
from clipwatch.core.stream.rules import parse_rule
from clipwatch.core.stream.sweep_config import SweepConfig, sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, Results, SweepFinished, SweepStarted
from clipwatch.core.sweeps.comparisons import comparisons, summaries
from clipwatch.core.sweeps.pairs import pairs
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.stacked.clipping import clip_stacked_
from clipwatch.core.sweeps.stacked.passes import weights
from clipwatch.core.sweeps.stacked.replicas import Stack, train_stack
from clipwatch.core.sweeps.store import SweepFolder, SweepWriter, create_sweep, read_sweep
from clipwatch.core.sweeps.units import Unit, units
from clipwatch.core.sweeps.workers import LocalBackend, Outcome, UnitTrainer
from clipwatch.tui.cli.main import main

DIGITS = RunConfig(settings={"dataset": "digits"})
AXES = {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}
INFO = DatasetInfo(name="digits", origin="embedded", training=1497, validation=300, checksum="0")


def grid(seeds: int = 2, **changes: object) -> SweepConfig:
    return sweep_config(msgspec.structs.replace(DIGITS, **changes), AXES, seeds, ())


def whole(config: SweepConfig) -> Unit:
    """All of a sweep as one unit."""
    return Unit(number=0, settings=config.settings, seeds=tuple(config.every_seed))


def replica(setting: int, seed: int, correct: int = 200, **changes: object) -> ReplicaFinished:
    given = {"step": 10, "reason": "completed", "loss": 1.0, "total": 300, "dead": ()}
    return ReplicaFinished(setting=setting, seed=seed, correct=correct, **{**given, **changes})  # type: ignore[arg-type]


def started(config: SweepConfig) -> SweepStarted:
    return SweepStarted(config=config, dataset=INFO, versions={}, time=0.0)


@pytest.fixture(scope="module")
def data() -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    dataset = load("digits", data_dir=None, offline=True, report=lambda event: None)
    training, validation = (
        (torch.from_numpy(split.images), torch.from_numpy(split.labels))
        for split in (dataset.training, dataset.validation)
    )
    return training, validation


def single(config: RunConfig) -> tuple[list[Evaluated], list[LaneFinished]]:
    events = list(Engine(config).run())
    return (
        [event for event in events if isinstance(event, Evaluated)],
        [event for event in events if isinstance(event, LaneFinished)],
    )


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "sgd-momentum"])
@pytest.mark.parametrize("rule", ["norm:0.5", "layer-norm:0.1", "sign", "value:-0.001:0.002"])
def test_every_rule_and_optimizer_that_is_stacked_does_what_it_does_alone(rule: str, optimizer: str, data) -> None:
    rate = 1e-4 if rule == "sign" else 1e-2
    base = msgspec.structs.replace(DIGITS, iterations=6, eval_every=1, optimizer=optimizer, learning_rate=rate)
    config = sweep_config(base, {"clip": ["none", rule], "head": ["linear"]}, 2, ())
    unit = whole(config)
    assert len(unit.settings) == 2
    with torch.no_grad():
        stack = Stack(unit, *data)
        losses = [stack.train_step().tolist() for _ in range(6)]
    for place, (setting, seed) in enumerate(unit.replicas):
        evaluations, _ = single(msgspec.structs.replace(config.settings[setting].config, seed=seed))
        expected = [event.train_loss for event in evaluations]
        assert [row[place] for row in losses] == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("rule", ["norm:0.5", "layer-norm:0.1", "sign", "value:-0.001:0.002"])
def test_what_is_no_number_comes_out_of_every_rule_as_it_does_alone(rule: str, value: float) -> None:
    gradient = torch.linspace(-1, 1, 2 * PARAMETERS).view(2, -1)
    gradient[0, 7] = value
    alone = [make_clipper(parse_rule(rule), row, LAYOUT).clip(row.clone(), row)[0].clone() for row in gradient]
    clip_stacked_(gradient, parse_rule(rule))
    for row, expected in zip(gradient, alone, strict=True):
        torch.testing.assert_close(row, expected, equal_nan=True)


@pytest.mark.parametrize("batch_size", [8, 5])
def test_a_replica_takes_the_first_steps_of_the_single_run_of_its_seed(batch_size: int, data) -> None:
    config = grid(iterations=12, eval_every=1, batch_size=batch_size)
    unit = whole(config)
    with torch.no_grad():
        stack = Stack(unit, *data)
        losses = []
        for _ in range(12):
            losses.append(stack.train_step().tolist())
    for place, (setting, seed) in enumerate(unit.replicas):
        run = msgspec.structs.replace(config.settings[setting].config, seed=seed)
        evaluations, _ = single(run)
        # Sums of a few hundred terms in another order differ by some 1e-6 of a loss near 2; Adam turns a component that
        # is rounding alone into a step of its own size, so the difference grows a few times a step.
        for step, event in enumerate(evaluations):
            assert losses[step][place] == pytest.approx(event.train_loss, abs=1e-6 if step == 0 else 2e-3)


def test_a_short_training_ends_where_the_single_runs_end(data) -> None:
    config = grid(iterations=12)
    unit = whole(config)
    for outcome in train_stack(unit, *data):
        _, (end,) = single(msgspec.structs.replace(config.settings[outcome.setting].config, seed=outcome.seed))
        assert outcome.loss == pytest.approx(end.loss, abs=5e-3)
        assert abs(outcome.correct - end.correct) <= 6
        assert outcome.total == end.total


def test_whole_trainings_are_distributed_as_single_ones(data) -> None:
    config = sweep_config(msgspec.structs.replace(DIGITS, iterations=80), {"head": ["relu"], "clip": ["none"]}, 32, ())
    stacked = [outcome.correct for unit in units(config, set()) for outcome in train_stack(unit, *data)]
    # Other seeds: chance alone makes the two samples differ.
    singles = []
    for seed in range(1000, 1032):
        run = msgspec.structs.replace(config.settings[0].config, seed=seed, eval_every=80, diagnostics=False)
        singles.append(single(run)[1][0].correct)
    assert stats.ks_2samp(stacked, singles).pvalue > 0.001


def test_replicas_do_not_depend_on_whom_they_are_stacked_with(data) -> None:
    together = grid(seeds=2, iterations=6)
    alone = sweep_config(msgspec.structs.replace(DIGITS, iterations=6, seed=1), {"clip": ["value:0.001"]}, 1, ())
    unit, other = whole(together), whole(alone)
    (expected,) = train_stack(other, *data)
    found = next(outcome for outcome in train_stack(unit, *data) if outcome.setting == 2 and outcome.seed == 1)
    assert found.loss == pytest.approx(expected.loss, abs=1e-3)


def test_a_dead_class_is_one_whose_output_is_zero_on_every_validation_image(data) -> None:
    config = sweep_config(msgspec.structs.replace(DIGITS, iterations=1), {"head": ["relu", "linear"]}, 1, ())
    unit = whole(config)
    with torch.no_grad():
        stack = Stack(unit, *data)
        head_bias = weights(stack.weights)[9]
        head_bias[:, [3, 7]] = -1e3
        images, labels = data[1]
        measured = stack.evaluate(images[None], labels[None])
    assert (measured.largest[0, [3, 7]] == 0).all()
    assert (measured.largest[1, [3, 7]] < 0).all()
    outcomes = train_stack(unit, *data)
    assert outcomes[1].dead == ()


def test_a_replica_that_diverges_says_so_and_leaves_the_others_alone(data) -> None:
    axes = {"clip": ["none"], "head": ["relu", "linear"], "init_std": [0.1, 1e30]}
    config = sweep_config(msgspec.structs.replace(DIGITS, iterations=8), axes, 1, ())
    unit = whole(config)
    by_setting = {outcome.setting: outcome for outcome in train_stack(unit, *data)}
    for setting in config.settings:
        outcome = by_setting[setting.number]
        if setting.choice["init_std"] == 1e30:
            assert (outcome.reason, outcome.step, outcome.loss, outcome.correct) == ("diverged", 0, None, None)
        else:
            assert outcome.reason == "completed"
            assert outcome.loss is not None
        assert decode_sweep_event(encode(outcome)) == outcome


# The description


def test_the_grid_has_every_combination_and_pairs_each_with_its_reference() -> None:
    config = grid()
    assert [setting.name for setting in config.settings] == [
        "not clipped, ReLU on the logits",
        "not clipped, plain logits",
        "value:0.001, ReLU on the logits",
        "value:0.001, plain logits",
    ]
    found = [(axis, one.number, other.number) for axis, one, other in pairs(config)]
    assert found == [("clip", 0, 2), ("clip", 1, 3), ("head", 0, 1), ("head", 2, 3)]


def test_units_cover_every_replica_once_and_leave_out_what_is_done() -> None:
    config = sweep_config(DIGITS, {**AXES, "batch_size": [8, 16]}, 7, ())
    replicas = [key for unit in units(config, set()) for key in unit.replicas]
    assert len(replicas) == len(set(replicas)) == config.replicas == 56
    for unit in units(config, set()):
        assert len({setting.config.batch_size for setting in unit.settings}) == 1
    done = set(replicas)
    assert not list(units(config, done))
    assert [unit.seeds for unit in units(config, done - {(0, 3)})] == [(3,)]


def test_on_a_gpu_a_thousand_are_one_unit_and_the_first_is_smaller() -> None:
    assert [len(unit.replicas) for unit in units(grid(seeds=600, device="cuda"), set())] == [256, 768, 1024, 352]
    assert [len(unit.replicas) for unit in units(grid(seeds=64, device="cuda"), set())] == [256]


def test_a_billion_seeds_are_described_without_being_counted_out() -> None:
    config = grid(seeds=10**9)
    assert config.replicas == 4 * 10**9
    assert (config.seconds(2) or 0) > 3600
    assert next(units(config, set())).seeds == (0,)


@pytest.mark.parametrize(
    ("axes", "seeds", "chosen", "says"),
    [
        ({"clip": []}, 2, (), "no values"),
        ({"clip": ["none", "none"]}, 2, (), "given twice"),
        ({"clip": ["value:0.001", "value:-0.001:0.001"]}, 2, (), "given twice"),
        ({"clip": ["none"]}, 0, (), "1 or more"),
        ({"clip": ["none"]}, 2, (3, 3), "given twice"),
        ({"clip": ["none"], "pace": [1, 2]}, 2, (), "cannot be an axis"),
        ({"clip": ["none"], "seed": [1, 2]}, 2, (), "cannot be an axis"),
        ({"clip": ["none"], "learning_rate": [0.1, -1.0]}, 2, (), "above 0"),
        ({"clip": ["nun"]}, 2, (), "not a rule"),
        ({"optimizer": ["adam", "sgd"], "beta1": [0.5, 0.9]}, 2, (), "beta1 has no effect with optimizer sgd"),
        ({"clip": ["none"]}, 2, (1, 2.5), "seed"),
        ({"clip": ["none"]}, 2, (1, -3), "from 0"),
        ({"clip": ["none"]}, 2, (1, 2**63), "2\\^63"),
        ({"clip": ["none"]}, 2, (1, math.nan), "seed"),
        ({"clip": ["none"]}, 2, (1, [2]), "seed"),
        ({"clip": ["none"]}, 2, (1, "a"), "seed"),
        ({"batch_size": [{"a": 1}, 2]}, 2, (), "axis batch-size: {'a': 1}"),
        ({"head": [["relu"], "linear"]}, 2, (), "head .*: Expected str"),
        ({"eval_size": [50, 100]}, 2, (), "eval-size decides nothing"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(axes, seeds, chosen, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        sweep_config(DIGITS, axes, seeds, chosen)


def test_beta1_is_an_axis_with_adam_and_may_be_given_once_with_others() -> None:
    assert len(sweep_config(DIGITS, {"beta1": [0.5, 0.9]}, 2, ()).settings) == 2
    sgd = msgspec.structs.replace(DIGITS, optimizer="sgd", beta1=0.9)
    assert len(sweep_config(sgd, {"clip": ["none", "sign"]}, 2, ()).settings) == 2
    with pytest.raises(BadInput, match="give one --beta1, or --optimizer adam alone"):
        sweep_config(sgd, {"beta1": [0.5, 0.9]}, 2, ())


def test_a_recorded_sweep_whose_axis_has_no_effect_is_still_read(tmp_path: Path) -> None:
    base = msgspec.structs.replace(DIGITS, optimizer="sgd")
    axes = {"beta1": (0.5, 0.9), "eval_size": (50, 100)}
    folder = create_sweep(tmp_path, "digits", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(started(SweepConfig(base=base, axes=axes, seeds=2)))
    assert read_sweep(folder).results.started.config.axes == axes


# On disk


def test_what_is_written_is_read_back_each_replica_once(tmp_path: Path) -> None:
    folder = create_sweep(tmp_path, "digits", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(started(grid()))
        for event in (replica(0, 0), replica(1, 0), replica(0, 0, correct=7)):
            writer.write(event)
    read = read_sweep(folder)
    assert all(is_sealed(line) for line in folder.results.read_bytes().splitlines())
    assert list(read.results.replicas.values()) == [replica(0, 0), replica(1, 0)]
    assert read.damage == ()


def test_half_a_line_is_left_out_and_written_over_when_it_goes_on(tmp_path: Path) -> None:
    folder = create_sweep(tmp_path, "digits", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(started(grid()))
        writer.write(replica(0, 0))
    with folder.results.open("ab") as file:
        file.write(b'{"v":1,"event":"Repl')
    read = read_sweep(folder)
    assert len(read.damage) == 1
    with SweepWriter(folder, read) as writer:
        writer.write(replica(1, 0))
    again = read_sweep(folder)
    assert list(again.results.replicas) == [(0, 0), (1, 0)]
    assert again.damage == ()


def test_a_flipped_byte_is_told_and_left_out(tmp_path: Path) -> None:
    folder = create_sweep(tmp_path, "digits", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(started(grid()))
        writer.write(replica(0, 0))
    content = folder.results.read_bytes()
    folder.results.write_bytes(content.replace(b'"correct":200', b'"correct":300'))
    read = read_sweep(folder)
    assert read.results.replicas == {}
    assert "line 2 is not as it was written" in read.damage[0]


def test_a_sweep_of_another_version_gives_one_clear_line(tmp_path: Path) -> None:
    from clipwatch.core.stream.codec import seal

    folder = create_sweep(tmp_path, "digits", 0.0)
    folder.results.write_bytes(seal(encode(started(grid())).replace(b'{"v":1,', b'{"v":9,')) + b"\n")
    with pytest.raises(BadInput, match="schema 9: written by another clipwatch"):
        read_sweep(folder)


def test_only_one_process_writes_a_sweep(tmp_path: Path) -> None:
    folder = create_sweep(tmp_path, "digits", 0.0)
    with SweepWriter(folder), pytest.raises(BadInput, match="another process"):
        SweepWriter(folder)


def test_a_full_disk_gives_one_line_and_keeps_what_was_written() -> None:
    with pytest.raises(ClipwatchError, match=r"No space left on device; what was written is kept"):
        _write_to_full_disk()


def _write_to_full_disk() -> None:
    writer = SweepWriter.__new__(SweepWriter)
    writer._folder = SweepFolder(Path("somewhere"))
    with Path("/dev/full").open("ab", buffering=0) as file:
        writer._file = file
        writer.write(replica(0, 0))


# The whole


class InProcessBackend:
    """A backend in this process."""

    def __init__(self, config: RunConfig, *, stop_after: int | None = None, twice: bool = False) -> None:
        self._trainer, self._stop_after, self._twice = UnitTrainer(config), stop_after, twice

    def run(self, units, stopping, tell) -> Iterator[Outcome]:
        for number, unit in enumerate(units):
            if stopping() or number == self._stop_after:
                return
            for _ in range(2 if self._twice else 1):
                yield self._trainer.train(unit, stopping)


@pytest.fixture
def trained_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program trains in this process, not in workers."""
    monkeypatch.setattr(LocalBackend, "run", lambda backend, *given: InProcessBackend(backend._config).run(*given))


def finished(events: list[Event]) -> dict[tuple[int, int], ReplicaFinished]:
    return {event.key: event for event in events if isinstance(event, ReplicaFinished)}


def test_a_sweep_that_was_cut_short_goes_on_and_comes_out_the_same(tmp_path: Path) -> None:
    config = grid(seeds=6, iterations=5)
    whole = list(Sweep(config, tmp_path / "a", backend=InProcessBackend(config.base)).run())
    list(Sweep(config, tmp_path / "b", backend=InProcessBackend(config.base, stop_after=1)).run())
    (path,) = (tmp_path / "b").iterdir()
    folder = SweepFolder(path)
    assert len(read_sweep(folder).results.replicas) == 4
    rest = list(Sweep.resume(folder, read_sweep(folder), backend=InProcessBackend(config.base)).run())
    assert finished(rest) == finished(whole) == read_sweep(folder).results.replicas
    assert len(finished(whole)) == 24


@pytest.mark.usefixtures("trained_here")
def test_a_sweep_from_another_device_is_resumed_on_the_one_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = grid(seeds=2, iterations=5)
    list(Sweep(config, tmp_path, backend=InProcessBackend(config.base, stop_after=1)).run())
    (path,) = tmp_path.iterdir()
    begun, *results = map(decode_sweep_event, SweepFolder(path).results.read_bytes().splitlines())
    assert isinstance(begun, SweepStarted)
    there = msgspec.structs.replace(config, base=msgspec.structs.replace(begun.config.base, device="cuda:7"))
    lines = [seal(encode(event)) + b"\n" for event in (msgspec.structs.replace(begun, config=there), *results)]
    SweepFolder(path).results.write_bytes(b"".join(lines))
    assert main(["resume", str(path), "--no-ui", "--workers", "1"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "'cuda:7'" in line
    assert main(["resume", str(path), "--no-ui", "--workers", "1", "--device", "cpu"]) == 0
    assert len(read_sweep(SweepFolder(path)).results.replicas) == 8


def test_a_unit_done_twice_counts_once(tmp_path: Path) -> None:
    config = grid(seeds=2, iterations=3)
    events = list(Sweep(config, tmp_path, backend=InProcessBackend(config.base, twice=True)).run())
    assert sum(isinstance(event, ReplicaFinished) for event in events) == 8
    (path,) = tmp_path.iterdir()
    assert len((path / "sweep.jsonl").read_bytes().splitlines()) == 9


class Dying:
    """Has its first worker killed while it trains."""

    def __init__(self, config: RunConfig) -> None:
        self._local = LocalBackend(config, 1)

    def run(self, units, stopping, tell) -> Iterator[Outcome]:
        import multiprocessing

        for number, outcome in enumerate(self._local.run(units, stopping, tell)):
            if number == 0:
                for child in multiprocessing.active_children():
                    assert child.pid
                    os.kill(child.pid, signal.SIGKILL)
            yield outcome


def test_units_of_a_worker_that_died_are_done_again(tmp_path: Path) -> None:
    config = grid(seeds=20, iterations=5)
    events = list(Sweep(config, tmp_path, backend=Dying(config.base)).run())
    assert any("a worker process died" in getattr(event, "text", "") for event in events)
    assert len(finished(events)) == sum(isinstance(event, ReplicaFinished) for event in events) == 80
    assert isinstance(events[-1], SweepFinished)
    assert events[-1].reason == "completed"


# What is said


def results(by_setting: dict[int, list[int]], **changes: object) -> Results:
    config = sweep_config(DIGITS, {"clip": ["none", "value:0.001"]}, 8, ())
    replicas = {
        (setting, seed): replica(setting, seed, correct, loss=3 - correct / 100, **changes)
        for setting, values in by_setting.items()
        for seed, correct in enumerate(values)
    }
    return Results(started=started(config), replicas=replicas)


def test_the_sentence_says_lowers_where_it_does() -> None:
    (found,) = comparisons(
        results({0: [200, 210, 190, 220, 205, 195, 215, 200], 1: [180, 195, 160, 200, 180, 180, 190, 178]})
    )
    assert found.measurable
    assert str(sentence(found, Words("en"))).startswith("Clipping by value:0.001 lowers accuracy: -7.")
    assert str(sentence(found, Words("en"))).endswith("p = 0.0078 over 8 seeds; better on 0 of 8 seeds.")


def test_the_sentence_says_on_how_many_seeds_one_of_the_two_diverged() -> None:
    found = results({0: [200] * 10, 1: [180, 195, 160, 199, 180, 180, 190, 178, 300, 300]})
    for setting, seed in ((0, 8), (0, 9), (1, 9)):
        found.replicas[setting, seed] = msgspec.structs.replace(found.replicas[setting, seed], reason="diverged")
    (compared,) = comparisons(found)
    assert (compared.main.paired.n, compared.left_out) == (8, 2)
    said = str(sentence(compared, Words("en")))
    assert "over 8 seeds (left out because one of the two diverged: 2); better on 0 of 8" in said


def test_the_sentence_says_no_measurable_difference_and_how_many_seeds_it_takes() -> None:
    (found,) = comparisons(
        results({0: [200, 210, 190, 220, 205, 195, 215, 200], 1: [210, 190, 195, 220, 215, 180, 220, 201]})
    )
    assert not found.measurable
    assert "no measurable difference" in str(sentence(found, Words("en")))
    assert f"takes {found.main.paired.needed:,} seeds" in str(sentence(found, Words("en")))


def test_five_seeds_are_exploratory_and_the_sentence_says_why() -> None:
    (found,) = comparisons(results({0: [100] * 5, 1: [200, 210, 205, 202, 201]}))
    assert "exploratory" in str(sentence(found, Words("en")))
    assert "p adjusted for the number of comparisons (1) would be 0.0625. At least 6" in str(
        sentence(found, Words("en"))
    )


def test_eight_seeds_are_too_few_for_twenty_comparisons() -> None:
    config = sweep_config(DIGITS, {"clip": ["none", *(f"value:{limit}" for limit in range(1, 21))]}, 8, ())
    replicas = [replica(setting, seed, 280 - 10 * setting - seed) for setting in range(21) for seed in range(8)]
    many = Results(started=started(config), replicas={one.key: one for one in replicas})
    compared = comparisons(many, resamples=99)
    assert str(sentence(compared[0], Words("en"))) == (
        "Clipping by value:1: exploratory. n = 8 is too few: even if all seeds agreed, p adjusted for the number of "
        "comparisons (20) would be 0.156. At least 10 seeds are needed."
    )
    assert str(short_sentence(compared[0], Words("en"))) == "Clipping by value:1: exploratory, needs 10 seeds"
    for words in ("8 个种子太少", "20", "校正后的 p 也有 0.156", "至少需要 10 个种子"):
        assert words in str(sentence(compared[0], Words("zh")))
    assert "需要 10 个种子" in str(short_sentence(compared[0], Words("zh")))
    assert all(found.exploratory and found.main.paired.needed == 10 for found in compared)


def test_seeds_that_only_one_setting_has_are_not_compared() -> None:
    (found,) = comparisons(results({0: [200] * 8, 1: [200] * 3}))
    assert found.main.paired.n == 3


def test_a_pair_that_cannot_be_compared_counts_among_the_comparisons() -> None:
    config = sweep_config(DIGITS, {"clip": ["none", "sign", "norm:1"]}, 6, ())
    replicas = [replica(setting, seed, 200 - 9 * setting - seed % 3) for setting in (0, 1) for seed in range(6)]
    replicas += [replica(2, seed, reason="diverged", loss=None, correct=None) for seed in range(6)]
    (found,) = comparisons(Results(started=started(config), replicas={one.key: one for one in replicas}))
    assert (found.main.paired.p, found.main.adjusted_p) == (2 / 2**6, 2 * 2 / 2**6)


def test_a_summary_splits_accuracy_by_dead_classes() -> None:
    config = sweep_config(DIGITS, {"clip": ["none"]}, 4, ())
    many = [replica(0, seed, 280 - 30 * dead, dead=tuple(range(dead))) for seed, dead in enumerate((0, 2, 2, 3))]
    (summary,) = summaries(Results(started=started(config), replicas={one.key: one for one in many}))
    assert summary.by_dead == {0: (280 / 300,), 2: (220 / 300, 220 / 300), 3: (190 / 300,)}
    assert summary.dead_correlation == pytest.approx(-1, abs=0.01)
    assert np.isclose(summary.mean_dead, 1.75)


# The program

SMALL = ["sweep", "--no-ui", "--dataset", "digits", "--iterations", "20", "--seeds", "2"]


@pytest.mark.usefixtures("trained_here")
def test_the_program_prints_settings_comparisons_and_sentences(tmp_path: Path) -> None:
    done = program.call(*SMALL, "--head", "relu", "--head", "linear", "--runs-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "value:0.001, plain logits" in done.stdout
    assert "4 comparisons are exploratory. n = 2 is too few" in done.stdout
    assert "8 of 8 trainings done" in done.stderr


@pytest.mark.usefixtures("trained_here")
def test_what_there_is_one_of_is_told_in_the_singular(tmp_path: Path) -> None:
    alone = ["--seeds", "1", "--clip", "none", "--workers", "1", "--runs-dir", str(tmp_path)]
    done = program.call(*SMALL, *alone)
    assert done.returncode == 0, done.stderr
    assert "1 setting x 1 seed, about" in done.stderr
    assert "on 1 core\n" in done.stderr
    assert "1 of 1 training done in" in done.stdout
    assert "There is only one setting, so there is nothing to compare." in done.stdout


def test_what_cannot_be_stacked_is_trained_alone_and_the_user_is_told(tmp_path) -> None:
    config = sweep_config(msgspec.structs.replace(DIGITS, iterations=5), {"clip": ["none", "zclip"]}, 2, ())
    events = list(Sweep(config, tmp_path, backend=InProcessBackend(config.base)).run())
    assert any("zclip: cannot be stacked" in getattr(event, "text", "") for event in events)
    ends = finished(events)
    run = msgspec.structs.replace(DIGITS, iterations=5, seed=1, lanes=(LaneConfig("x", "zclip"),))
    _, (end,) = single(run)
    assert (ends[1, 1].loss, ends[1, 1].correct) == (end.loss, end.correct)
    assert len(ends) == 4


def test_ctrl_c_keeps_what_is_done_and_prints_it_and_resume_goes_on(tmp_path: Path) -> None:
    arguments = ["sweep", "--no-ui", "--dataset", "digits", "--iterations", "30", "--seeds", "30"]
    with program.running(*arguments, "--workers", "1", "--runs-dir", str(tmp_path)) as process:
        assert process.stderr
        program.line_with(process.stderr, "of 60 trainings done")
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 130
        assert time.monotonic() - began < 15
    assert "Clipping by value:0.001" in out
    assert "Stopping early because of the results makes p look smaller than it is." in out
    assert "stopped" in out
    (path,) = tmp_path.iterdir()
    assert f"to write a report: clipwatch report {path.name}\nto continue: clipwatch resume {path.name}\n" in out
    before = read_sweep(SweepFolder(path)).results.replicas
    assert 0 < len(before) < 60
    rest = program.call("resume", path.name, "--no-ui", "--workers", "1", "--runs-dir", str(tmp_path))
    assert rest.returncode == 0, rest.stderr
    assert f"60 of 60 trainings done, {60 - len(before)} of them in" in rest.stdout
    assert "stopped" not in rest.stdout
    assert "p are too small" not in rest.stdout
    after = read_sweep(SweepFolder(path)).results.replicas
    assert len(after) == 60
    assert list(after.values())[: len(before)] == list(before.values())


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells of processes that are not ours")
def test_workers_end_with_a_leader_that_is_killed(tmp_path: Path) -> None:
    arguments = ["sweep", "--no-ui", "--dataset", "digits", "--iterations", "60", "--seeds", "400", "--yes"]
    with program.running(*arguments, "--workers", "2", "--runs-dir", str(tmp_path)) as process:
        assert process.stderr
        program.line_with(process.stderr, "of 800 trainings done")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        watched = [os.pidfd_open(int(child)) for child in children]
        process.kill()
        ended = [select.select([descriptor], [], [], 20)[0] for descriptor in watched]
    assert len(watched) >= 2
    assert all(ended)
    (path,) = tmp_path.iterdir()
    assert 0 < len(read_sweep(SweepFolder(path)).results.replicas) < 800


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_device_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = program.call(*SMALL, "--device", "cuda", "--runs-dir", str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("clipwatch: device 'cuda' cannot be used here")
    assert not list(tmp_path.iterdir())
    assert "Traceback" not in done.stderr


def test_a_batch_larger_than_the_data_is_one_line_and_leaves_no_folder(tmp_path: Path) -> None:
    done = program.call(*SMALL, "--batch-size", "5000", "--runs-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "clipwatch: batch-size 5000: digits has only 1,497 images\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("trained_here")
def test_a_setting_that_always_diverges_is_told_of(tmp_path: Path) -> None:
    arguments = ["--clip", "none", "--init-std", "0.1", "--init-std", "1e30", "--runs-dir", str(tmp_path)]
    done = program.call(*SMALL, *arguments)
    assert "not clipped, init std 1e+30: every training diverged" in done.stdout
    assert "4 of 4 trainings done in" in done.stdout
    assert "clipwatch resume" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seeds", "0"], "seeds 0: must be 1 or more"),
        (["--seeds", "1000000000"], "--yes"),
        (["--seeds", "1000000000", "--device", "cuda"], "days on cuda: add --yes"),
        (["--seed", "4", "--seed", "4"], "seed 4 is given twice"),
        (["--clip", "none", "--clip", "none"], "axis clip: none is given twice"),
        (["--lane", "a=none"], "a sweep has no lanes"),
        (["--seed", "1", "--seed", "2", "--seeds", "3"], "cannot be combined"),
        (["--workers", "0"], "workers 0"),
        (["--ray-address", "10.0.0.1:6379"], "--ray-address works only with --backend ray"),
        (["--pace", "3"], "--pace has no effect in a sweep; leave it out"),
        (["--diagnostics"], "--diagnostics has no effect in a sweep; leave it out"),
        (["--head", "tail"], "unknown head 'tail'"),
        (["--optimizer", "sgd", "--beta1", "0.5", "--beta1", "0.9"], "beta1 has no effect with optimizer sgd"),
        (["--seeds", "1,1"], "'1,1' is not a whole number; see clipwatch sweep --help"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], says: str) -> None:
    done = program.call("sweep", "--no-ui", *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_config_file_that_counts_seeds_and_names_them_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('dataset = "digits"\nseeds = 4\nseed = [1, 2]\n')
    done = program.call("sweep", "--no-ui", "--config", str(file), "--runs-dir", str(tmp_path / "runs"))
    assert done.returncode == 2
    assert "cannot be combined" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("trained_here")
def test_a_config_file_gives_axes_and_flags_win(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text('dataset = "digits"\nseeds = 1\niterations = 5\nhead = ["relu", "linear"]\nclip = ["none"]\n')
    arguments = ["sweep", "--no-ui", "--json", "--config", str(file), "--runs-dir", str(tmp_path / "runs")]
    done = program.call(*arguments, "--iterations", "3")
    assert done.returncode == 0, done.stderr
    events = [decode_sweep_event(line) for line in done.stdout.splitlines()]
    (begun,) = [event for event in events if isinstance(event, SweepStarted)]
    assert begun.config.axes == {"clip": ("none",), "head": ("relu", "linear")}
    assert begun.config.base.iterations == 3
    assert sum(isinstance(event, ReplicaFinished) for event in events) == 2

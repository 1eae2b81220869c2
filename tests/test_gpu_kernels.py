"""The kernels of a GPU: by Triton's interpreter where there is none, and on one where there is."""

from __future__ import annotations

import itertools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
import pytest
import torch

from clipwatch.core.data.datasets import load
from clipwatch.core.errors import ClipwatchError
from clipwatch.core.experiments.preparation import tensors
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import Notice
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.stacked import replicas as stacked
from clipwatch.core.sweeps.stacked.passes import fusing_problem
from clipwatch.core.sweeps.stacked.replicas import DoesNotFit, Stack, Tensors, train_stack
from clipwatch.core.sweeps.units import Unit
from clipwatch.core.sweeps.workers import UnitTrainer
from clipwatch.core.training import preparation

BASE = RunConfig(settings={"dataset": "digits"}, offline=True, batch_size=5, iterations=6, eval_every=2, eval_size=20)
AXES = {"clip": ["none", "value:0.001"], "head": ["relu"]}
CPU = torch.device("cpu")
on_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def unit(seeds: int = 2) -> Unit:
    # Two images are the fewest whose pooled pixels fill more than one of a kernel's blocks.
    base = msgspec.structs.replace(BASE, batch_size=2)
    return Unit(number=0, settings=sweep_config(base, AXES, 1, ()).settings, seeds=tuple(range(seeds)))


def data(place: torch.device) -> tuple[Tensors, Tensors]:
    dataset = load("digits", data_dir=None, offline=True, report=lambda event: None)
    return tensors(dataset.training, place), tensors(dataset.validation, place)


def assert_alike(place: torch.device, *, fused: bool) -> None:
    """A stack on `place` does what the passes do on a processor, what is not finite included."""
    here, there = data(CPU), data(place)
    with torch.no_grad():
        one, other = Stack(unit(), *here), Stack(unit(), *there, fused=fused)
        torch.testing.assert_close(other.train_step().cpu(), one.train_step(), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(other.gradient.cpu(), one.gradient, rtol=1e-4, atol=1e-7)
        for seen in (slice(None, 2), None):
            images, classes = ((tensor[seen] if seen else torch.stack([tensor[:2], tensor[2:4]])) for tensor in here[1])
            at_once = (images[None], classes[None]) if seen else (images, classes)
            expected, found = one.evaluate(*at_once), other.evaluate(*(tensor.to(place) for tensor in at_once))
            torch.testing.assert_close(found.loss.cpu(), expected.loss, rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(found.largest.cpu(), expected.largest, rtol=1e-4, atol=1e-4)
            assert torch.equal(found.correct.cpu(), expected.correct)
        for stack in (one, other):
            stack.weights[1, 0] = torch.nan
            stack.train_step()
        assert one.diverged == other.diverged == [None, 1, None, None]


def assert_pooling_is_torchs(place: torch.device) -> None:
    """Equals and NaN among the corners are told apart as torch does."""
    from clipwatch.core.sweeps.stacked import gpu_kernels

    chance = torch.Generator().manual_seed(0)
    response = torch.randint(-2, 3, (2, 4, 3, 300), generator=chance).float()
    for corner in range(4):
        response[1, corner, 0, 10 * corner] = torch.nan
    # As views into what holds more.
    biases, to_bias = (torch.rand(2, 10, generator=chance) for _ in range(2))
    bias, slope = biases[:, 2:5, None], torch.rand(2, 3, 300, generator=chance)
    best, which = response.max(1)
    expected = (best + bias).relu()
    passed = slope * expected.sign()
    at_response = torch.zeros_like(response).scatter_(1, which[:, None], passed[:, None])
    pooled, winner = torch.empty_like(expected, device=place), torch.empty_like(expected, device=place)
    to_bias, there = to_bias.to(place), response.to(place)
    gpu_kernels.pool(there, biases.to(place)[:, 2:5, None], pooled, winner)
    torch.testing.assert_close(pooled.cpu(), expected, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(winner.cpu().long(), which)
    gpu_kernels.pool_backward(slope.to(place), pooled, winner, there, to_bias[:, 2:5])
    torch.testing.assert_close(there.cpu(), at_response, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(to_bias[:, 2:5].cpu(), passed.sum(2), equal_nan=True)


def interpreted() -> None:
    """What `TRITON_INTERPRET` makes of the kernels; in a process of its own, for Triton asks for it when imported."""
    assert_pooling_is_torchs(CPU)
    assert_alike(CPU, fused=True)


def test_the_kernels_do_what_torchs_operations_do(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        pool.submit(interpreted).result()


class Elsewhere:
    """A backend of two trainers in this process."""

    def run(self, units, stopping, tell):
        trainers = itertools.cycle([UnitTrainer(BASE), UnitTrainer(BASE)])
        for unit in units:
            yield next(trainers).train(unit, stopping)


def test_where_the_kernels_cannot_run_stacks_do_without_and_the_user_is_told_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def train(unit: Unit, *given: object, fused: bool) -> list[ReplicaFinished]:
        assert not fused
        return train_stack(unit, *on_cpu)

    on_cpu = data(CPU)
    # No processor, and nothing that Triton knows.
    monkeypatch.setattr(preparation, "usable_device", lambda name: torch.device("meta"))
    monkeypatch.setattr(stacked, "train_stack", train)
    events = list(Sweep(sweep_config(BASE, AXES, 6, ()), tmp_path, backend=Elsewhere()).run())
    (told,) = [event.text for event in events if isinstance(event, Notice) and "kernels" in event.text]
    assert "they are for CUDA" in told
    assert sum(isinstance(event, ReplicaFinished) for event in events) == 12


@pytest.mark.parametrize("error", [KeyError("arch"), AssertionError(), RuntimeError("no compiler\nand much more")])
def test_whatever_keeps_the_kernels_from_running_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(device: object) -> None:
        raise error

    monkeypatch.setattr(torch.cuda, "device", fail)
    found = fusing_problem(torch.device("cuda"))
    assert found in ("'arch'", "AssertionError", "no compiler")


def test_a_unit_that_the_memory_does_not_hold_is_trained_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def train(unit: Unit, *given: object, **options: object) -> list[tuple[int, int]]:
        sizes.append(len(unit.replicas))
        if len(unit.replicas) > room:
            raise DoesNotFit(f"no memory for {len(unit.replicas)} networks")
        return list(unit.replicas)

    monkeypatch.setattr(stacked, "train_stack", train)
    trainer, room = UnitTrainer(BASE), 4
    told, *trained = trainer.train(unit(5), lambda: False)
    assert trained == list(unit(5).replicas)
    assert told == Notice(text="no memory for 10 networks: fewer are trained at a time")
    # What fitted is remembered.
    assert trainer.train(unit(3), lambda: False) == list(unit(3).replicas)
    assert sizes == [10, 4, 4, 2, 4, 2]
    room = 1
    with pytest.raises(ClipwatchError, match="no memory for 2 networks"):
        trainer.train(unit(5), lambda: False)


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), DoesNotFit),
        (RuntimeError("failed in the TorchScript interpreter.\nRuntimeError: CUDA out of memory"), DoesNotFit),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), DoesNotFit),
        (RuntimeError("shapes differ"), RuntimeError),
    ],
)
def test_memory_that_runs_out_is_told_from_other_errors(
    error: Exception, seen: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(stacked, "Stack", fail)
    with pytest.raises(seen) as raised:
        train_stack(unit(), *data(CPU))
    assert type(raised.value) is seen


@on_a_gpu
@pytest.mark.parametrize("fused", [False, True])
def test_a_stack_on_a_gpu_is_one_on_a_processor(fused: bool) -> None:
    place = torch.device("cuda")
    assert fusing_problem(place) is None
    assert_pooling_is_torchs(place)
    assert_alike(place, fused=fused)


@on_a_gpu
def test_a_sweep_on_a_gpu_is_one_on_a_processor(tmp_path: Path) -> None:
    found = []
    for place in ("cpu", "cuda"):
        config = sweep_config(msgspec.structs.replace(BASE, device=place), AXES, 3, ())
        events = list(Sweep(config, tmp_path / place).run())
        assert not [event for event in events if isinstance(event, Notice)]
        found.append({event.key: event for event in events if isinstance(event, ReplicaFinished)})
    assert len(found[0]) == 6
    for key, one in found[0].items():
        assert found[1][key].loss == pytest.approx(one.loss, abs=1e-2)
        assert abs(found[1][key].correct - one.correct) <= 3
        for point, expected in zip(found[1][key].curve, one.curve, strict=True):
            assert point == pytest.approx(expected, abs=6e-2)
        assert found[1][key].dead == one.dead

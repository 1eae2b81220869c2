"""A user's experiment in training: the same numbers as a plain loop, lanes that are twins, exact checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from user_experiments import (
    NOISY,
    SMALL,
    line_of,
    of_kind,
    prepared,
    run_config,
    trained,
    trainers,
    write_experiment,
)

from clipwatch.core.errors import BadInput
from clipwatch.core.experiments.batch_source import BatchSource
from clipwatch.core.experiments.flat_parameters import FlatParameters, layer_name
from clipwatch.core.experiments.module import ModuleWorkload
from clipwatch.core.experiments.seeding import seed_generators
from clipwatch.core.experiments.user_code import UserCodeError
from clipwatch.core.experiments.user_file import load_experiment
from clipwatch.core.stream.events import Diagnosed, Evaluated, LanesCompared, StepsTrained
from clipwatch.core.training.checkpoint import Checkpoint, load
from clipwatch.core.training.preparation import lane_thread
from clipwatch.core.training.training_loop import Trainer

CPU = torch.device("cpu")
TWINS = {"a": "none", "b": "norm:1e9"}


def workload_of(trainer: Trainer) -> ModuleWorkload:
    return trainer._lane.workload  # type: ignore[return-value]


def without(event: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__ if name not in names}


def test_lanes_are_bit_identical_when_no_rule_binds(tmp_path: Path) -> None:
    lanes = trainers(write_experiment(tmp_path, NOISY), lanes=TWINS)
    first, second = [trained(lane) for lane in lanes]
    for kind in (Evaluated, StepsTrained):
        numbers = [[without(event, "lane", "seconds") for event in of_kind(each, kind)] for each in (first, second)]
        assert numbers[0] == numbers[1] != []
    assert torch.equal(*(workload_of(lane).parameters for lane in lanes))
    states = [workload_of(lane).state["buffers"] for lane in lanes]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert {(event.distance, event.disagreement) for event in of_kind(second, LanesCompared)} == {(0.0, 0.0)}


def test_dropout_and_augmentation_differ_from_step_to_step_and_from_seed_to_seed(tmp_path: Path) -> None:
    source = SMALL.replace(
        "return F.mse", "model.drawn.append((random.random(), np.random.rand()))\n        return F.mse"
    )
    source = source.replace("return nn.Linear(4, self.width)", "m = nn.Linear(4, 3); m.drawn = []; return m")
    target = write_experiment(tmp_path, source)
    drawn: list[list[Any]] = []
    for seed in (0, 0, 1):
        (lane, *_) = trainers(target, seed=seed, iterations=4, eval_every=9)
        trained(lane)
        model: Any = workload_of(lane).model
        drawn.append(model.drawn[:4])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0] + drawn[2])) == 8


def plain_loop(target: str, steps: int) -> nn.Module:
    """The same training as anybody would write it, with the run's seeds and the order of its data."""
    config = run_config(target)
    experiment: Any = load_experiment(target, {})
    seed_generators(config.seed, "data")
    data = experiment.make_data()
    seed_generators(config.seed, "model")
    model = experiment.make_model()
    optimizer = experiment.make_optimizer(list(model.parameters()))
    schedule = experiment.make_schedule(optimizer)
    workload: Any = prepared(target).make_workload()
    for step in range(steps):
        indices = workload._training_indices.take(config.batch_size)
        seed_generators(config.seed, "step", step)
        batch = torch.utils.data.default_collate([data.training[index] for index in indices.tolist()])
        optimizer.zero_grad()
        experiment.loss(model, batch).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9)
        optimizer.step()
        schedule.step()
    return model


def test_a_lane_trains_as_a_plain_loop_does(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, NOISY)
    (lane,) = trainers(target, lanes={"a": "none"})
    trained(lane)
    expected = plain_loop(target, 20)
    found = workload_of(lane).model.state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.state_dict().items())


def test_training_continues_bit_for_bit_from_a_checkpoint_on_disk(tmp_path: Path) -> None:
    target, lanes = write_experiment(tmp_path, NOISY), {"a": "norm:0.1"}
    options = {"lanes": lanes, "checkpoint_every": 7}
    (whole,) = trainers(target, **options)
    expected = trained(whole)
    checkpoint = of_kind(expected, Checkpoint)[0]
    assert checkpoint.step == 7
    checkpoint.save(tmp_path / "checkpoints")
    (file,) = (tmp_path / "checkpoints").iterdir()
    (resumed,) = trainers(target, {"a": load(file)}, **options)
    found = trained(resumed)
    for kind in (Evaluated, Diagnosed):
        later = [without(event, "seconds") for event in of_kind(expected, kind) if event.step >= 7]
        assert [without(event, "seconds") for event in of_kind(found, kind)] == later != []
    assert torch.equal(workload_of(resumed).parameters, workload_of(whole).parameters)
    assert repr(of_kind(found, Checkpoint)[-1].snapshot["optimizer"]) == repr(
        of_kind(expected, Checkpoint)[-1].snapshot["optimizer"]
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nn.Linear(20, 2)", "nn.Linear(20, 3)"),
        ("torch.optim.AdamW(parameters, lr=0.01, amsgrad=True)", "torch.optim.SGD(parameters, lr=0.01, momentum=0.9)"),
    ],
)
def test_a_checkpoint_of_other_code_is_refused_in_one_line(before: str, after: str, tmp_path: Path) -> None:
    options = {"lanes": {"a": "none"}, "checkpoint_every": 7}
    (whole,) = trainers(write_experiment(tmp_path, NOISY), **options)
    checkpoint = of_kind(trained(whole), Checkpoint)[0]
    target = write_experiment(tmp_path, NOISY.replace(before, after))
    with pytest.raises(BadInput) as caught:
        trainers(target, {"a": checkpoint.snapshot}, **options)
    assert str(caught.value) == (
        "lane a: the recorded state does not fit the model or optimizer of mine.py;"
        " it needs the code that it was recorded with"
    )


def test_an_evaluation_changes_nothing_of_the_lane(tmp_path: Path) -> None:
    source = NOISY.replace("output = model(x)", "model.train(); output = model(x)")
    target = write_experiment(tmp_path, source)
    (often,), (never,) = (trainers(target, lanes={"a": "none"}, eval_every=every) for every in (1, 1000))
    trained(often)
    trained(never)
    assert torch.equal(workload_of(often).parameters, workload_of(never).parameters)
    assert torch.equal(workload_of(often).model[1].running_mean, workload_of(never).model[1].running_mean)  # type: ignore[index]
    assert all(module.training for module in workload_of(often).model.modules())


def test_all_validation_data_are_evaluated_in_parts_of_the_evaluation_size(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, NOISY.replace("0.1 * noise", "0 * noise"))
    parts, whole = (prepared(target, eval_size=size).make_workload() for size in (7, 30))
    with lane_thread():
        one, other = parts.evaluate_all(), whole.evaluate_all()
    assert (one.total, one.correct) == (other.total, other.correct)
    assert one.total == 30
    assert one.loss == pytest.approx(other.loss, rel=1e-5)
    assert one.predictions is not None
    assert torch.equal(one.predictions, other.predictions)  # type: ignore[arg-type]


def test_gauges_are_measured_with_the_diagnostics(tmp_path: Path) -> None:
    gauge = "\n    def gauges(self, model):\n        return {'bias': model.bias.abs().sum()}\n"
    (lane,) = trainers(write_experiment(tmp_path, SMALL + gauge), lanes={"a": "none"}, iterations=1)
    (diagnosed,) = of_kind(trained(lane), Diagnosed)
    assert diagnosed.gauge == {"bias": workload_of(lane).model.bias.abs().sum().item()}  # type: ignore[operator]


def test_the_learning_rate_of_a_schedule_is_that_of_the_step(tmp_path: Path) -> None:
    one_parameter = SMALL.replace("(4, self.width)", "(1, 1, bias=False)").replace("model(x)", "model(x[:, :1])")
    source = (
        "\n    def make_optimizer(self, parameters):\n        return torch.optim.SGD(parameters, lr=0.5)\n"
        "\n    def make_schedule(self, optimizer):\n"
        "        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5 ** step)\n"
    )
    target = write_experiment(tmp_path, one_parameter.replace("y)", "y[:, :1])") + source)
    (lane,) = trainers(target, lanes={"a": "none"}, iterations=3, eval_every=1)
    events = of_kind(trained(lane), Diagnosed)
    # Gradient descent moves by the learning rate times the gradient, and step sizes are in learning rates.
    assert [event.total.step_size for event in events] == pytest.approx(
        [event.total.norm for event in events], rel=1e-4
    )


NOISY_OPTIMIZER = """
class Noise(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {"lr": 0.1})

    @torch.no_grad()
    def step(self):
        for parameter in self.param_groups[0]["params"]:
            parameter.add_(parameter.grad + torch.randn_like(parameter), alpha=-0.1)

"""


def test_an_optimizer_that_draws_random_numbers_keeps_lanes_identical(tmp_path: Path) -> None:
    own = "\n    def make_optimizer(self, parameters):\n        return Noise(parameters)\n"
    lanes = trainers(write_experiment(tmp_path, NOISY_OPTIMIZER + SMALL + own), lanes=TWINS)
    first, second = [trained(lane) for lane in lanes]
    assert torch.equal(*(workload_of(lane).parameters for lane in lanes))
    assert of_kind(first, Diagnosed)[-1].total.shadow_cosine is None
    assert of_kind(second, Diagnosed)[-1].total.shadow_cosine == pytest.approx(1)


def test_a_model_in_evaluation_mode_trains_in_training_mode(tmp_path: Path) -> None:
    source = NOISY.replace("return nn.Sequential(", "return clipped_eval(")
    evaluated = "def clipped_eval(*modules):\n    return nn.Sequential(*modules).eval()\n"
    found = [trainers(write_experiment(tmp_path, each), lanes={"a": "none"})[0] for each in (NOISY, evaluated + source)]
    for lane in found:
        trained(lane)
    assert torch.equal(*(workload_of(lane).parameters for lane in found))


CLIPPING = """
class Clipping(torch.optim.Adagrad):
    def step(self, closure=None):
        super().step()
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad.mul_(CHANGE)
"""


@pytest.mark.parametrize("rule", ["none", "norm:0.1"])
def test_the_diagnostics_hold_where_an_optimizer_changes_the_gradient(tmp_path: Path, rule: str) -> None:
    own = "\n    def make_optimizer(self, parameters):\n        return Clipping(parameters, lr=0.1)\n"
    found: list[list[Diagnosed]] = []
    for change in ("1", "0"):
        target = write_experiment(tmp_path, CLIPPING.replace("CHANGE", change) + SMALL + own)
        (lane,) = trainers(target, lanes={"a": rule}, iterations=12, eval_every=2, diagnose_every=1)
        found.append(of_kind(trained(lane), Diagnosed))
    assert len(found[0]) == 6
    assert found[0] == found[1]


@pytest.mark.parametrize(("text", "measured"), [("true", True), ("false", False)])
def test_the_counterfactual_can_be_switched_off(tmp_path: Path, text: str, measured: bool) -> None:
    target = write_experiment(tmp_path, NOISY)
    (lane,) = trainers(target, lanes={"a": "norm:0.1"}, settings={"counterfactual": text})
    last = of_kind(trained(lane), Diagnosed)[-1]
    assert (last.total.shadow_cosine is not None) == measured


def test_an_exception_under_way_names_the_users_line(tmp_path: Path) -> None:
    source = SMALL.replace("return nn.Linear(4, self.width)", "m = nn.Linear(4, 3); m.calls = 0; return m")
    source = source.replace("return F.mse", "model.calls += 1\n        assert model.calls < 9\n        return F.mse")
    target = write_experiment(tmp_path, source)
    (lane,) = trainers(target, lanes={"a": "none"})
    with pytest.raises(UserCodeError) as caught:
        trained(lane)
    assert lane.step == 6
    assert str(caught.value) == f"{target}:{line_of(target, 'assert model')}: AssertionError"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.weight.data = torch.ones(3, 4)", "parameter weight was moved"),
        ("model.weight = nn.Parameter(torch.ones(3, 4))", "parameter weight was replaced"),
        ("model.zero_grad()", "the gradient of weight was replaced"),
    ],
)
def test_a_lane_that_would_train_nothing_fails(tmp_path: Path, change: str, message: str) -> None:
    source = SMALL.replace("return nn.Linear(4, self.width)", "m = nn.Linear(4, 3); m.calls = 0; return m")
    late = f"model.calls += 1\n        if model.calls == 9:\n            {change}\n        return F.mse"
    (lane,) = trainers(write_experiment(tmp_path, source.replace("return F.mse", late)), lanes={"a": "none"})
    with pytest.raises(UserCodeError, match=message):
        trained(lane)
    assert lane.step == 10


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.b = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
        self.c = nn.Linear(3, 3)
        self.c.weight = self.a.weight
        self.b[0].requires_grad_(False)
        self.scale = nn.Parameter(torch.ones(()))


@pytest.mark.parametrize(
    ("depth", "layers"), [(1, {"scale": 1, "a": 12, "b": 12, "c": 3}), (2, {"scale": 1, "a": 12, "b.1": 12, "c": 3})]
)
def test_frozen_parameters_are_left_out_and_tied_ones_counted_once(depth: int, layers: dict[str, int]) -> None:
    model = Tied()
    frozen = model.b[0].weight.clone()  # type: ignore[union-attr]
    flat = FlatParameters(model, depth)
    assert flat.layout.layers == layers
    assert sum(rows * columns for rows, columns in flat.layout.tensors) == len(flat.parameters) == 28
    flat.parameters.zero_()
    assert not model.a.weight.any()
    assert model.c.weight is model.a.weight
    assert torch.equal(model.b[0].weight, frozen)  # type: ignore[union-attr, arg-type]
    (model.a.weight.sum() + 2 * model.c.weight.sum()).backward()
    assert sorted(flat.gradient.tolist()) == [0.0] * 19 + [3.0] * 9
    flat.require_views()


def test_parameters_of_a_layer_are_neighbours() -> None:
    model = nn.Module()
    for name in ("b.x", "a.x", "b.y"):
        owner, part = name.split(".")
        if not hasattr(model, owner):
            setattr(model, owner, nn.Module())
        getattr(model, owner).register_parameter(part, nn.Parameter(torch.full((2,), float(len(name) + ord(part)))))
    flat = FlatParameters(model, 1)
    assert [view.shape for view in flat.views(flat.parameters)] == [(2,), (2,), (2,)]
    assert all(map(torch.equal, flat.views(flat.parameters), model.parameters()))
    assert layer_name("bias", 1) == "bias"


def test_parameters_that_share_memory_are_refused() -> None:
    model = nn.ParameterList([torch.zeros(4)])
    model.append(nn.Parameter(model[0].data[:2]))
    with pytest.raises(BadInput, match="parameters 0 and 1 share memory: tie them by assigning the same"):
        FlatParameters(model, 1)


class Squares:
    """A dataset of numbers, which counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 9

    def __getitem__(self, index: int) -> dict[str, Tensor | int]:
        self.asked.append(index)
        return {"square": index**2, "row": torch.full((2,), index)}


def test_a_dataset_is_asked_for_the_examples_of_a_batch_and_collated() -> None:
    squares = Squares()
    batch = BatchSource(squares, "training", None, CPU).fetch(torch.tensor([2, 5]))
    assert squares.asked == [2, 5]
    assert batch["square"].tolist() == [4, 25]
    assert batch["row"].tolist() == [[2, 2], [5, 5]]


def test_collate_makes_the_batch() -> None:
    source = BatchSource((torch.arange(5), torch.arange(5) * 10), "training", lambda rows: rows, CPU)
    assert source.fetch(torch.tensor([1, 3])) == [(1, 10), (3, 30)]


def test_tensors_are_indexed_by_whole_batches() -> None:
    x = torch.arange(12).view(6, 2)
    indices = torch.tensor([4, 0])
    assert torch.equal(BatchSource(x, "training", None, CPU).fetch(indices), x[[4, 0]])
    pair = BatchSource((x, x.numpy()), "training", None, CPU).fetch(indices)
    assert isinstance(pair, tuple)
    assert all(torch.equal(part, x[[4, 0]]) for part in pair)

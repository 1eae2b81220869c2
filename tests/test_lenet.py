"""LeNet and Adam against an independent plain implementation and against torch's own layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import plain_lenet
import pytest
import torch
from torch.nn import functional as F

from clipwatch.core.clipping.clippers import make_clipper
from clipwatch.core.data.datasets import Dataset, load
from clipwatch.core.experiments.batches import Batches, seeded_generator
from clipwatch.core.experiments.lenet import network as lenet
from clipwatch.core.experiments.lenet import passes as lenet_passes
from clipwatch.core.optimizers.adam import Adam
from clipwatch.core.stream.rules import parse_rule
from clipwatch.core.training.preparation import lane_thread


@pytest.fixture(autouse=True)
def _as_in_a_lane() -> Iterator[None]:
    with lane_thread():
        yield


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", data_dir=None, offline=True, report=lambda event: None)


def network(head: lenet.Head = "relu", seed: int = 0) -> lenet.LeNet:
    return lenet.LeNet(lenet.initial_parameters(0.1, seeded_generator(seed, "weights")), head)


@pytest.mark.parametrize("head", ["relu", "linear"])
@pytest.mark.parametrize("rule", ["none", "value:0.001"])
def test_follows_the_plain_implementation_for_20_steps(digits: Dataset, head: lenet.Head, rule: str) -> None:
    model = network(head)
    adam = Adam(model.parameters, learning_rate=0.001, beta1=0.5)
    weights = {name: view.numpy().astype(np.float64) for name, view in lenet.views(model.parameters).items()}
    plain = plain_lenet.Adam(weights)
    images, labels = torch.from_numpy(digits.training.images), torch.from_numpy(digits.training.labels)
    batches = Batches(images, labels, seeded_generator(0, "training batches"))
    clipper = make_clipper(parse_rule(rule), model.parameters, model.layout)
    bound = 0.001 if rule != "none" else np.inf
    for _ in range(20):
        batch, answers = batches.next_batch(8)
        loss = model.loss_and_gradient(batch, answers)
        expected, gradient = plain_lenet.loss_and_gradient(weights, batch.numpy(), answers.numpy(), head)
        assert loss == pytest.approx(expected, abs=1e-5)
        for name, view in lenet.views(model.gradient).items():
            np.testing.assert_allclose(view.numpy(), gradient[name], atol=1e-5)
        adam.step(clipper.clip(model.gradient, model.parameters)[0])
        plain.step({name: g.clip(-bound, bound) for name, g in gradient.items()})
    for name, view in lenet.views(model.parameters).items():
        np.testing.assert_allclose(view.numpy(), weights[name], atol=2e-5)


def library_logits(parameters: torch.Tensor, images: torch.Tensor, head: str) -> torch.Tensor:
    w = lenet.views(parameters)
    x = F.pad(images[:, None].float() / 255, (2, 2, 2, 2))
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv1.weight"], w["conv1.bias"])), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, w["conv2.weight"], w["conv2.bias"])), 2).flatten(1)
    x = F.relu(F.linear(x, w["fc1.weight"], w["fc1.bias"]))
    x = F.relu(F.linear(x, w["fc2.weight"], w["fc2.bias"]))
    x = F.linear(x, w["fc3.weight"], w["fc3.bias"])
    return F.relu(x) if head == "relu" else x


@pytest.mark.parametrize("head", ["relu", "linear"])
@pytest.mark.parametrize("batch", [1, 7, 8, 100])
def test_gradient_and_logits_are_those_of_torchs_layers(head: lenet.Head, batch: int) -> None:
    generator = torch.Generator().manual_seed(batch)
    images = torch.randint(0, 256, (batch, 28, 28), dtype=torch.uint8, generator=generator)
    # Flat areas make ties within a pooling window, where the gradient must go to the first of the equals.
    images[:, 8:20, 8:20] = 255
    labels = torch.randint(0, 10, (batch,), generator=generator)
    model = network(head, seed=batch)
    loss = model.loss_and_gradient(images, labels)
    parameters = model.parameters.clone().requires_grad_()
    with torch.enable_grad():
        logits = library_logits(parameters, images, head)
        expected = F.cross_entropy(logits, labels)
        expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-6)
    assert parameters.grad is not None
    torch.testing.assert_close(model.gradient, parameters.grad, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(model.logits(images), logits.detach(), atol=1e-5, rtol=1e-5)


def test_compiled_passes_give_the_bits_of_the_uncompiled() -> None:
    images = torch.randint(0, 256, (8, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(8)
    compiled, plain = network(), network()
    compiled.loss_and_gradient(images, labels)
    weights, gradients = (list(lenet.views(flat).values()) for flat in (plain.parameters, plain.gradient))
    lenet_passes.loss_and_gradient(images, labels, weights, gradients, True)
    assert torch.equal(compiled.gradient, plain.gradient)


def test_initial_parameters_are_as_the_assignment_says() -> None:
    flat = lenet.initial_parameters(0.1, seeded_generator(0, "weights"))
    assert flat.shape == (61_706,)
    for name, view in lenet.views(flat).items():
        if name.endswith("bias"):
            assert torch.all(view == torch.tensor(0.1))
        else:
            assert view.abs().max() <= 0.2
    # A normal cut at two widths has 0.88 of its standard deviation left.
    assert lenet.views(flat)["fc1.weight"].std().item() == pytest.approx(0.088, abs=0.001)


def test_no_gradient_reaches_a_head_that_is_dead_on_every_image() -> None:
    model = network("relu")
    lenet.views(model.parameters)["fc3.bias"].fill_(-1e3)
    loss = model.loss_and_gradient(torch.zeros(8, 28, 28, dtype=torch.uint8), torch.arange(8))
    assert loss == pytest.approx(np.log(10), abs=1e-6)
    assert not model.gradient.any()


def test_adam_is_torchs_adam() -> None:
    parameter = torch.nn.Parameter(torch.linspace(-1, 1, 50))
    ours = parameter.detach().clone()
    library, adam = (
        torch.optim.Adam([parameter], lr=0.01, betas=(0.5, 0.999)),
        Adam(ours, learning_rate=0.01, beta1=0.5),
    )
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        gradient = torch.randn(50, generator=generator) * 1e-3
        parameter.grad = gradient.clone()
        library.step()
        adam.step(gradient)
    torch.testing.assert_close(ours, parameter.detach(), atol=1e-6, rtol=1e-5)

"""A small training loop to watch, and what a recording says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clipwatch.core.stream.codec import decode_event
from clipwatch.core.stream.events import Event
from clipwatch.core.stream.series import step_values

E = TypeVar("E", bound=Event)


def small_model(seed: int = 0) -> nn.Sequential:
    """A network with everything that has state or draws random numbers."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))


def batches(steps: int, seed: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    """Random inputs and labels, which do not depend on the numbers that a loop draws."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        yield torch.randn(5, 6, generator=generator), torch.randint(3, (5,), generator=generator)


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps: int,
    *,
    run: Any = None,
    clip: Callable[[], object] = lambda: None,
    seed: int = 1,
) -> list[Tensor]:
    """Train a few steps; returns each step's gradient as one vector, as `clip` left it."""
    gradients: list[Tensor] = []
    for inputs, labels in batches(steps, seed):
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        clip()
        gradients.append(torch.cat([each.grad.reshape(-1) for each in model.parameters() if each.grad is not None]))
        optimizer.step()
        optimizer.zero_grad()
        if run is not None:
            run.step(loss)
    return gradients


def events_of(folder: Path | None, kind: type[E]) -> list[E]:
    """The recorded events of a kind."""
    assert folder is not None
    lines = (folder / "events.jsonl").read_bytes().splitlines()
    return [event for event in map(decode_event, lines) if isinstance(event, kind)]


def series_of(folder: Path | None, name: str) -> list[float]:
    """A series of all recorded steps."""
    from clipwatch.core.stream.events import StepsTrained

    return [float(value) for event in events_of(folder, StepsTrained) for value in step_values(event).series[name]]

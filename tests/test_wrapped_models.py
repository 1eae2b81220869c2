"""Models that something has wrapped: a watched loop knows them by their own names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from watched_recordings import WatchedRecording

import clipwatch
from clipwatch.core.stream.events import Diagnosed


def compiled(model: nn.Module) -> nn.Module:
    return torch.compile(model, backend="eager")  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("wrap", [nn.DataParallel, compiled])
def test_layers_have_the_names_of_the_users_module(wrap: type[nn.Module], tmp_path: Path) -> None:
    model = wrap(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with clipwatch.watch(model, optimizer, rule="norm:0.01", runs_dir=tmp_path) as run:
        model(torch.ones(2, 3)).sum().backward()
        optimizer.step()
    recording = WatchedRecording.only_one_in(tmp_path)
    assert run.folder is not None
    assert run.folder.name.endswith("Sequential-0")
    (diagnosed,) = (event for event in recording.events if isinstance(event, Diagnosed))
    assert set(diagnosed.layers) == {"0", "2"}
    assert recording.of_steps("clipped_norms") == pytest.approx([0.01])

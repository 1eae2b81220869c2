"""User's experiments for tests: written to files, prepared as a run prepares them, trained without an engine."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from clipwatch.core.engine.mailbox import Mailbox
from clipwatch.core.experiments.preparation import PreparedExperiment, prepare
from clipwatch.core.stream.commands import LaneCommand
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import Event
from clipwatch.core.training.checkpoint import Checkpoint
from clipwatch.core.training.preparation import lane_thread, prepare_trainers
from clipwatch.core.training.training_loop import Trainer

IMPORTS = """\
import random
from dataclasses import dataclass, field
from typing import Annotated, Literal

import clipwatch
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
"""
# A linear regression, to which tests add what they are about.
SMALL = """
@dataclass(frozen=True)
class Small(clipwatch.Experiment):
    width: int = 3

    def make_model(self):
        return nn.Linear(4, self.width)

    def make_data(self):
        x = torch.randn(60, 4)
        return clipwatch.Data((x[:50], x[:50, :3] * 2), (x[50:], x[50:, :3] * 2))

    def loss(self, model, batch):
        x, y = batch
        return F.mse_loss(model(x), y)
"""
# Everything random: dropout, augmentation by three generators, and buffers that change.
NOISY = """
class Augmented(torch.utils.data.Dataset):
    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        noise = random.random() + np.random.rand() + torch.rand(())
        return self.x[index] + 0.1 * noise, int(self.x[index].sum() > 0)


@dataclass(frozen=True)
class Noisy(clipwatch.Experiment):
    def make_model(self):
        return nn.Sequential(nn.Linear(6, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Dropout(0.3), nn.Linear(20, 2))

    def make_data(self):
        x = torch.randn(90, 6)
        return clipwatch.Data(Augmented(x[:60]), Augmented(x[60:]))

    def make_optimizer(self, parameters):
        return torch.optim.AdamW(parameters, lr=0.01, amsgrad=True)

    def make_schedule(self, optimizer):
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 40)

    def loss(self, model, batch):
        x, y = batch
        return F.cross_entropy(model(x), y)

    def evaluate(self, model, batch):
        x, y = batch
        output = model(x)
        predictions = output.argmax(1)
        return clipwatch.Evaluation(
            loss=F.cross_entropy(output, y), correct=(predictions == y).sum(), predictions=predictions
        )
"""


def write_experiment(folder: Path, source: str, name: str = "mine.py") -> str:
    """Write a file of the user; return its path."""
    path = folder / name
    path.write_text(IMPORTS + textwrap.dedent(source))
    return str(path)


def line_of(path: str, text: str) -> int:
    """The number of the first line that holds a text."""
    return next(number for number, line in enumerate(Path(path).read_text().splitlines(), 1) if text in line)


def run_config(target: str, **options: Any) -> RunConfig:
    """The settings of a short run."""
    few = {"iterations": 20, "batch_size": 8, "eval_size": 10, "eval_every": 5, "diagnose_every": 1}
    return from_options({"experiment": target, **few, **options})


def prepared(target: str, **options: Any) -> PreparedExperiment:
    """Prepare a user's experiment on the CPU."""
    with lane_thread():
        return prepare(run_config(target, **options), None, torch.device("cpu"))


def trainers(target: str, snapshots: Mapping[str, Any] | None = None, **options: Any) -> list[Trainer]:
    """The trainers of a run."""
    config = run_config(target, **options)
    with lane_thread():
        experiment = prepare(config, None, torch.device("cpu"))
        return prepare_trainers(config, experiment, snapshots or {}, {}, checkpoints=True)


def trained(trainer: Trainer, *commands: LaneCommand) -> list[Event | Checkpoint]:
    """Everything that a trainer yields."""
    mailbox: Mailbox[LaneCommand] = Mailbox(lasting=False)
    for command in commands:
        mailbox.put(command)
    with lane_thread():
        return list(trainer.run(mailbox, 0.0))


def of_kind(events: Sequence[Any], kind: type[Any]) -> list[Any]:
    """The events of a kind."""
    return [event for event in events if isinstance(event, kind)]

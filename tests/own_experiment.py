"""A small experiment of a user, whose code can be told to misbehave."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from clipwatch.core.stream.config import RunConfig, from_options

FILE = """
import ctypes, os, random, signal, subprocess, sys, threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import clipwatch

losses = 0


@dataclass(frozen=True)
class Mine(clipwatch.Experiment):
    hidden: int = 8
    fault: str = ""
    at: int = 30  # The probe calls `loss`, too.
    notes: str = ""

    def make_model(self):
        layers = nn.Linear(4, self.hidden), nn.BatchNorm1d(self.hidden), nn.Dropout(0.2), nn.Linear(self.hidden, 3)
        return nn.Sequential(*layers)

    def make_data(self):
        if self.notes:
            (Path(self.notes) / str(os.getpid())).touch()
        if self.fault == "data":
            raise ValueError("these data are bad")
        if self.fault == "hanging data":
            threading.Event().wait()
        inputs = torch.randn(200, 4, generator=torch.Generator().manual_seed(7))
        labels = inputs[:, :3].argmax(1)
        return clipwatch.Data((inputs[:150], labels[:150]), (inputs[150:], labels[150:]))

    def loss(self, model, batch):
        global losses
        losses += 1
        if losses == self.at and self.fault:
            self.misbehave()
        inputs, labels = batch
        noise = np.random.rand() + random.random()
        return F.cross_entropy(model(inputs + 0.01 * noise), labels)

    def evaluate(self, model, batch):
        inputs, labels = batch
        outputs = model(inputs)
        predictions = outputs.argmax(1)
        loss, correct = F.cross_entropy(outputs, labels), (predictions == labels).sum()
        return clipwatch.Evaluation(loss=loss, correct=correct, predictions=predictions)

    def misbehave(self):
        if self.fault == "print":
            print("from Python")
            os.write(1, b"from the descriptor\\\\n")
            print("x" * 40, end="", flush=True)
        if self.fault == "flood":
            for number in range(100_000):
                print("line", number)
        if self.fault == "start a process":
            child = subprocess.Popen(["sleep", "600"])
            (Path(self.notes) / str(child.pid)).touch()
        try:
            # Only in the first process that comes here.
            os.close(os.open(f"{self.notes}/fault", os.O_CREAT | os.O_EXCL))
        except OSError:
            return
        match self.fault:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(3)
            case "segfault":
                ctypes.string_at(0)
            case "memory":
                raise MemoryError
            case "error":
                raise ValueError("this batch is bad")
            case "hang":
                threading.Event().wait()
""".replace("\\\\n", "\\n")
SIZES = {"iterations": 60, "eval_every": 5, "eval_size": 20, "batch_size": 10, "learning_rate": 0.01}


def write(folder: Path, name: str = "mine.py") -> Path:
    """Write the experiment's file."""
    path = folder / name
    path.write_text(FILE)
    return path


def own_config(folder: Path, settings: dict[str, Any] | None = None, **options: Any) -> RunConfig:
    """A run of the experiment in this folder, in which its processes leave files that are named after them."""
    (folder / "notes").mkdir(exist_ok=True)
    experiment = str(write(folder))
    given = {"notes": str(folder / "notes"), **(settings or {})}
    lanes = {"a": "none", "b": "norm:0.1"}
    return from_options({"experiment": experiment, "settings": given, "lanes": lanes, **SIZES, **options})


def processes(folder: Path) -> list[int]:
    """The processes, apart from this one, that ran the experiment's code or were started by it."""
    found = [int(path.name) for path in (folder / "notes").iterdir() if path.name.isdecimal()]
    return [process for process in found if process != os.getpid()]

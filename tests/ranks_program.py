"""A loop that two processes train together, watched: `python ranks_program.py RANK FOLDER`.

Rank 0 changes learning rate and rule, and later stops the run, all by the file through which a screen steers. Each rank
saves its parameters, and the steps at which it saw the rule and the stop.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import clipwatch
from clipwatch.core.runs import control_file
from clipwatch.core.stream.commands import SetClip, SetLearningRate, Stop

AFTER, MOST_STEPS = 30, 100_000


def main(rank: int, folder: Path) -> None:
    """Train until the run is stopped."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = DistributedDataParallel(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.manual_seed(rank)
    changed_at = stopped_at = None
    with clipwatch.watch(model, optimizer, rule="norm:1", runs_dir=folder / "runs") as run:
        for step in range(MOST_STEPS):
            loss = (model(torch.randn(4, 8)) - 1).square().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            run.step(loss)
            if rank == 0 and step == AFTER:
                assert run.folder
                control_file.append(run.folder, SetLearningRate(rate=0.05))
                control_file.append(run.folder, SetClip(rule="norm:0.01"))
            if changed_at is None and run.rule == "norm:0.01":
                changed_at = step
            if rank == 0 and changed_at and step == changed_at + AFTER:
                assert run.folder
                control_file.append(run.folder, Stop())
            if run.stopped:
                stopped_at = step
                break
    parameters = [each.detach() for each in model.parameters()]
    torch.save({"parameters": parameters, "changed": changed_at, "stopped": stopped_at}, folder / f"rank{rank}.pt")
    dist.destroy_process_group()


main(int(sys.argv[1]), Path(sys.argv[2]))

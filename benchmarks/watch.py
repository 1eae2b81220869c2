"""What watching costs a training loop, as ratios within this run.

    python benchmarks/watch.py [mlp] [lenet] [rule] [memory] [gpu] [--rounds N] [--profile PART]

- `mlp`: observing a perceptron of 10 million parameters, trained by AdamW with batches of 256 and of 64.
- `lenet`: observing LeNet with batches of 8, whose step takes a millisecond.
- `rule`: `norm:1` by clipwatch against the loop's own `clip_grad_norm_`.
- `memory`: the tensors that a watch holds, in float32 copies of the gradients.
- `gpu`: observing a transformer of 25 million parameters, if there is a GPU.

A loop and its twin without a watch take turns of 50 steps, the distance of two measurements, so that other load on the
machine affects both. All is recorded. Processor time varies less than wall-clock time when other programs run.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import os
import pstats
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import pairwise

import torch
from reference import initial_network
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn import functional as F

import clipwatch

Row = tuple[str, str, str]
STEPS = 50
Train = Callable[[int], None]


def no_clipping(model: nn.Module) -> None:
    """A loop that does not clip."""


def clip_to_1(model: nn.Module) -> None:
    """The loop's own clipping."""
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)


class Loop:
    """A plain training loop, watched or not."""

    def __init__(
        self,
        model: nn.Module,
        batch: tuple[Tensor, Tensor],
        *,
        watched: bool,
        rule: str | None = None,
        clip: Callable[[nn.Module], None] = no_clipping,
    ) -> None:
        self._model, self._batch, self._clip = model, batch, clip
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
        self._folder = tempfile.TemporaryDirectory()
        self.run = (
            clipwatch.watch(model, self.optimizer, rule=rule, measure_every=STEPS, runs_dir=self._folder.name)
            if watched
            else None
        )

    def train(self, steps: int) -> None:
        """Take some steps."""
        inputs, labels = self._batch
        for _ in range(steps):
            output = self._model(inputs)
            loss = F.cross_entropy(output.flatten(0, -2), labels.flatten())
            loss.backward()
            self._clip(self._model)
            self.optimizer.step()
            self.optimizer.zero_grad()
            if self.run:
                self.run.step(loss)
        if inputs.is_cuda:
            torch.cuda.synchronize()

    def close(self) -> None:
        """End the watch."""
        if self.run:
            self.run.close()
        self._folder.cleanup()


def times(train: Train) -> tuple[float, float]:
    """Wall-clock and processor seconds of 50 steps."""
    wall, processor = time.perf_counter(), time.process_time()
    train(STEPS)
    return time.perf_counter() - wall, time.process_time() - processor


def compare(name: str, target: str, plain: Loop, watched: Loop, rounds: int) -> list[Row]:
    """The speed that a watched loop keeps."""
    for loop in (plain, watched):
        loop.train(STEPS)
    pairs: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for turn in range(rounds):
        if turn % 2:
            watched_times = times(watched.train)
            pairs.append((times(plain.train), watched_times))
        else:
            pairs.append((times(plain.train), times(watched.train)))
    plain.close()
    watched.close()
    step = statistics.median(one[0] for one, _ in pairs) / STEPS * 1000
    return [
        (f"{name}, {step:.2f} ms: speed kept by {clock}", spread([one[i] / other[i] for one, other in pairs]), target)
        for i, clock in enumerate(("wall clock", "processor"))
    ]


def spread(values: Sequence[float]) -> str:
    """The median, and the smallest and largest value."""
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def perceptron() -> nn.Module:
    """10 million parameters."""
    sizes = (784, 2048, 2048, 2048)
    hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(2048, 10))


def vectors(size: int) -> tuple[Tensor, Tensor]:
    """A batch for the perceptron."""
    return torch.randn(size, 784), torch.randint(10, (size,))


def images() -> tuple[Tensor, Tensor]:
    """A batch for LeNet."""
    return torch.randn(8, 1, 28, 28), torch.randint(10, (8,))


def measure_mlp(rounds: int) -> list[Row]:
    """Observing the perceptron."""
    rows: list[Row] = []
    for size in (256, 64):
        batch = vectors(size)
        loops = [Loop(perceptron(), batch, watched=watched) for watched in (False, True)]
        rows += compare(f"observing 10 M parameters, batch {size}", "0.99", loops[0], loops[1], rounds)
    return rows


def measure_lenet(rounds: int) -> list[Row]:
    """Observing LeNet."""
    loops = [Loop(initial_network(), images(), watched=watched) for watched in (False, True)]
    return compare("observing LeNet, batch 8", "0.93", loops[0], loops[1], rounds * 8)


def measure_rule(rounds: int) -> list[Row]:
    """A bound on the norm against the loop's own."""
    rows: list[Row] = []
    for name, make, batch, more in (
        ("10 M parameters, batch 256", perceptron, vectors(256), 1),
        ("10 M parameters, batch 64", perceptron, vectors(64), 1),
        ("LeNet, batch 8", initial_network, images(), 8),
    ):
        own = Loop(make(), batch, watched=False, clip=clip_to_1)
        ours = Loop(make(), batch, watched=True, rule="norm:1")
        rows += compare(f"norm:1 against clip_grad_norm_, {name}", "0.99", own, ours, rounds * more)
    return rows


def measure_memory(rounds: int) -> list[Row]:
    """The tensors that a watch holds between two steps."""
    rows: list[Row] = []
    for rule in (None, "norm:1", "value:0.001"):
        loop = Loop(perceptron(), vectors(64), watched=False)
        loop.train(3)
        before = held_bytes()
        folder = tempfile.mkdtemp(dir=loop._folder.name)
        loop.run = clipwatch.watch(loop._model, loop.optimizer, rule=rule, measure_every=STEPS, runs_dir=folder)
        loop.train(3)
        added = (held_bytes() - before) / (4 * sum(each.numel() for each in loop._model.parameters()))
        rows.append((f"float32 copies of the gradients that a watch with rule {rule} holds", f"{added:.2f}", ""))
        loop.close()
    return rows


def held_bytes() -> int:
    """The memory of all tensors."""
    gc.collect()
    tensors = [each for each in gc.get_objects() if issubclass(type(each), Tensor)]
    return sum({each.untyped_storage().data_ptr(): each.untyped_storage().nbytes() for each in tensors}.values())


class Transformer(nn.Module):
    """25 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(256, 512)
        layer = nn.TransformerEncoderLayer(512, 8, 2048, dropout=0.0, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 8, enable_nested_tensor=False)
        self.head = nn.Linear(512, 256)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.layers(self.embedding(tokens)))


def measure_gpu(rounds: int) -> list[Row]:
    """Observing a transformer on a GPU, and its clipping."""
    if not torch.cuda.is_available():
        return [("no GPU here", "", "")]

    def loop(**how: object) -> Loop:
        with torch.device("cuda"):
            tokens = torch.randint(256, (16, 256))
            return Loop(Transformer(), (tokens, tokens), **how)  # pyright: ignore[reportArgumentType]

    rows = compare(
        "observing a transformer, 25 M parameters", "0.98", loop(watched=False), loop(watched=True), rounds * 4
    )
    own, ours = loop(watched=False, clip=clip_to_1), loop(watched=True, rule="norm:1")
    return rows + compare("its norm:1 against clip_grad_norm_", "0.98", own, ours, rounds * 4)


PARTS = {
    "mlp": measure_mlp,
    "lenet": measure_lenet,
    "rule": measure_rule,
    "memory": measure_memory,
    "gpu": measure_gpu,
}


def main() -> None:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="print what 2,000 steps of LeNet, observed, spend")
    given = parser.parse_args()
    if given.profile:
        profile()
        return
    for name in given.parts or PARTS:
        load = os.getloadavg()[0]
        title = f"{os.cpu_count()} cores with a load of {load:.1f}, torch {version('torch')}"
        table = Table(title=f"{title}: median (smallest to largest)")
        for heading in ("what", "measured", "target"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        for row in PARTS[name](given.rounds):
            table.add_row(*row)
        Console(width=120).print(table)


def profile() -> None:
    """Print where the loop's thread spends its time."""
    loop = Loop(initial_network(), images(), watched=True)
    loop.train(STEPS)
    with cProfile.Profile() as profiler:
        loop.train(2000)
    loop.close()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()

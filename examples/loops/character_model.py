"""A language model that learns the text of Python's help, one character at a time, by a training loop of its own.

    python examples/loops/character_model.py               the loop clips to a norm of 1; clipwatch observes it
    python examples/loops/character_model.py --rule norm:1 clipwatch clips in its place
    clipwatch attach                                       in another terminal: shows the run, and steers it

The two lines for clipwatch are marked; all others are those of any training in plain PyTorch.
"""

import argparse
import math
import time
from pathlib import Path
from pydoc_data.topics import topics  # In the standard library, so the text differs by version of Python.

import torch
import torch.nn.functional as F
from torch import nn

import clipwatch

CHARACTERS = 128


class Attention(nn.Module):
    """Each character looks back at those before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.inputs, self.output = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.inputs(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(*parts, is_causal=True)
        return self.output(seen.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then a perceptron; each adds to its input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.LayerNorm(width), Attention(width, heads))
        hidden = nn.Linear(width, 4 * width)
        self.perceptron = nn.Sequential(nn.LayerNorm(width), hidden, nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(x)
        return x + self.perceptron(x)


class CharacterModel(nn.Module):
    """Predicts each next character of a text from those before it."""

    def __init__(self, length: int, width: int, heads: int, depth: int) -> None:
        super().__init__()
        self.embedding, self.position = nn.Embedding(CHARACTERS, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, CHARACTERS, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
        self.output.weight = self.embedding.weight

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        places = torch.arange(text.shape[1], device=text.device)
        return self.output(self.norm(self.blocks(self.embedding(text) + self.position(places))))

    def loss(self, passages: torch.Tensor) -> torch.Tensor:
        """The mean cross-entropy of each next character, in nats."""
        return F.cross_entropy(self(passages[:, :-1]).flatten(0, 1), passages[:, 1:].flatten())

    @torch.no_grad()
    def write(self, beginning: str, characters: int) -> str:
        """A text that the model continues."""
        text = torch.tensor([list(beginning.encode())])
        for _ in range(characters):
            logits = self(text[:, -self.position.num_embeddings :])[:, -1]
            text = torch.cat([text, torch.multinomial(logits.softmax(-1), 1)], 1)
        return bytes(text[0].tolist()).decode("ascii", "replace")


def training_and_validation_text() -> tuple[torch.Tensor, torch.Tensor]:
    """The text of all help topics, of which a tenth is held out."""
    text = "\n".join(topics[name] for name in sorted(topics)).encode("ascii", "replace")
    characters = torch.tensor(list(text))
    return characters[: len(text) * 9 // 10], characters[len(text) * 9 // 10 :]


def random_passages(text: torch.Tensor, count: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """Passages of `length` characters and the one after them."""
    starts = torch.randint(len(text) - length, (count, 1), generator=generator)
    return text[starts + torch.arange(length + 1)]


def make_optimizer(model: nn.Module, rate: float) -> torch.optim.AdamW:
    """AdamW that decays matrices, but no biases and no norms."""
    matrices = [each for each in model.parameters() if each.ndim > 1]
    vectors = [each for each in model.parameters() if each.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95))


def learning_rate(step: int, args: argparse.Namespace) -> float:
    """A linear warm-up, then a cosine down to a tenth."""
    if step < args.warm_up:
        return args.rate * (step + 1) / args.warm_up
    done = (step - args.warm_up) / max(1, args.steps - args.warm_up)
    return args.rate * (0.55 + 0.45 * math.cos(math.pi * done))


@torch.no_grad()
def validation_loss(model: CharacterModel, text: torch.Tensor, args: argparse.Namespace) -> float:
    """The loss on the same passages each time."""
    model.eval()
    generator = torch.Generator().manual_seed(0)
    passages = [random_passages(text, args.batch, args.length, generator) for _ in range(args.validation_batches)]
    loss = sum(model.loss(batch).item() for batch in passages) / len(passages)
    model.train()
    return loss


def train(args: argparse.Namespace) -> CharacterModel:
    """Train, from the checkpoint on if there is one."""
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    training_text, validation_text = training_and_validation_text()
    model = CharacterModel(args.length, args.width, args.heads, args.depth)
    optimizer = make_optimizer(model, args.rate)
    run = clipwatch.watch(model, optimizer, rule=args.rule, total_steps=args.steps, runs_dir=args.runs_dir)  # <- 1
    print(f"{sum(each.numel() for each in model.parameters()):,} parameters; recorded in {run.folder}")
    first = 0
    if args.checkpoint.exists():
        saved = torch.load(args.checkpoint)
        first = saved["step"]
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        generator.set_state(saved["generator"])
        run.load_state_dict(saved["run"])
    began = time.perf_counter()
    for step in range(first, args.steps):
        rate = learning_rate(step, args)
        for group in optimizer.param_groups:
            group["lr"] = rate
        training_loss = model.loss(random_passages(training_text, args.batch, args.length, generator))
        training_loss.backward()
        if not args.rule:
            nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        optimizer.zero_grad()
        run.step(training_loss, learning_rate=rate)  # <- 2
        if (step + 1) % args.validate_every == 0 or run.stopped:
            loss = validation_loss(model, validation_text, args)
            run.evaluated(loss, bits_per_character=loss / math.log(2))
            speed = (step + 1 - first) / (time.perf_counter() - began)
            print(f"step {step + 1:6}   training {training_loss:.3f}   validation {loss:.3f}   {speed:.1f} steps/s")
            states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "run": run.state_dict()}
            torch.save({**states, "generator": generator.get_state(), "step": step + 1}, args.checkpoint)
        if run.stopped:
            break
    run.close()
    return model


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The settings from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rule", help="clip by this rule of clipwatch, such as norm:1 or autoclip:10")
    parser.add_argument("--clip", type=float, default=1.0, help="without --rule: the loop's own bound of the norm")
    parser.add_argument("--rate", type=float, default=0.005, help="the highest learning rate")
    parser.add_argument("--checkpoint", type=Path, default=Path("character_model.pt"), help="written and continued")
    parser.add_argument("--runs-dir", type=Path, help="where the run is recorded")
    sizes = {"steps": 800, "warm-up": 80, "batch": 16, "length": 64, "width": 64, "heads": 4, "depth": 2}
    for name, value in {**sizes, "validate-every": 25, "validation-batches": 4, "sample": 300, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args(words)


if __name__ == "__main__":
    settings = parse()
    print(train(settings).write("The ", settings.sample))

"""A character-level transformer on the text of Python's help: clipwatch --experiment examples/transformer.py"""

import math
from dataclasses import dataclass
from pydoc_data.topics import topics  # In the standard library, so the text differs by version of Python.

import torch
from torch import nn

import clipwatch


class Transformer(nn.Module):
    def __init__(self, width, length):
        super().__init__()
        self.embedding, self.output = nn.Embedding(128, width), nn.Linear(width, 128, bias=False)
        self.output.weight = self.embedding.weight = nn.Parameter(0.02 * torch.randn(128, width))  # Tied.
        self.position = nn.Parameter(0.02 * torch.randn(length, width))
        block = nn.TransformerEncoderLayer(width, 4, 4 * width, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(block, 2, nn.LayerNorm(width), enable_nested_tensor=False)

    def forward(self, text):
        mask = nn.Transformer.generate_square_subsequent_mask(text.shape[1])
        return self.output(self.blocks(self.embedding(text) + self.position, mask=mask, is_causal=True))


@dataclass(frozen=True)
class CharacterTransformer(clipwatch.Experiment):
    width: int = 64
    length: int = 64
    rate: float = 0.003
    examples, metrics = "passages", (clipwatch.Metric("bits-per-character", lower_is_better=True),)

    def make_model(self):
        return Transformer(self.width, self.length)

    def make_data(self):
        text = "".join(topics[name] for name in sorted(topics)).encode("ascii", "replace")
        passages = torch.tensor(list(text)).unfold(0, self.length + 1, self.length)
        return clipwatch.Data(*passages.split(len(passages) * 9 // 10 + 1))

    def make_optimizer(self, parameters):
        return torch.optim.AdamW(parameters, lr=self.rate, weight_decay=0.1)

    def make_schedule(self, optimizer):
        return torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=100)  # Warm-up.

    def loss(self, model, passages):
        return nn.functional.cross_entropy(model(passages[:, :-1]).mT, passages[:, 1:])

    def evaluate(self, model, passages):
        loss = self.loss(model, passages)
        return clipwatch.Evaluation(loss=loss, metrics={"bits-per-character": loss / math.log(2)})

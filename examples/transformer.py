"""A character-level transformer on the text of Python's help: clipwatch --experiment examples/transformer.py"""

import math
from dataclasses import dataclass
from pydoc_data.topics import topics

import torch
import torch.nn.functional as F
from torch import nn

import clipwatch


class Transformer(nn.Module):
    def __init__(self, width, layers, length):
        super().__init__()
        self.embedding = nn.Embedding(256, width)
        self.position = nn.Parameter(0.02 * torch.randn(length, width))
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.1, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.output = nn.Linear(width, 256, bias=False)
        self.output.weight = self.embedding.weight  # tied
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length), persistent=False)

    def forward(self, characters):
        return self.output(self.blocks(self.embedding(characters) + self.position, mask=self.mask, is_causal=True))


@dataclass(frozen=True)
class CharacterTransformer(clipwatch.Experiment):
    width: int = 64
    layers: int = 2
    length: int = 64
    rate: float = 0.003
    warm_up: int = 100
    examples = "passages"
    metrics = (clipwatch.Metric("bits-per-character", lower_is_better=True),)

    def make_model(self):
        return Transformer(self.width, self.layers, self.length)

    def make_data(self):
        text = torch.frombuffer(bytearray("".join(map(topics.get, sorted(topics))).encode()), dtype=torch.uint8).long()
        passages = text.unfold(0, self.length + 1, self.length)
        return clipwatch.Data(passages[: len(passages) * 9 // 10], passages[len(passages) * 9 // 10 :])

    def make_optimizer(self, parameters):
        return torch.optim.AdamW(parameters, lr=self.rate, weight_decay=0.1)

    def make_schedule(self, optimizer):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, (step + 1) / self.warm_up))

    def loss(self, model, passages):
        return F.cross_entropy(model(passages[:, :-1]).flatten(0, 1), passages[:, 1:].flatten())

    def evaluate(self, model, passages):
        loss = self.loss(model, passages).item()
        return clipwatch.Evaluation(loss=loss, metrics={"bits-per-character": loss / math.log(2)})

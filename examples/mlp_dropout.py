"""A multilayer perceptron with dropout on the embedded digits: clipwatch --experiment examples/mlp_dropout.py"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import nn

import clipwatch


@dataclass(frozen=True)
class MlpDropout(clipwatch.Experiment):
    hidden: int = 128
    dropout: float = 0.2
    examples = "images"

    def make_model(self):
        first, second = nn.Linear(28 * 28, self.hidden), nn.Linear(self.hidden, 10)
        return nn.Sequential(nn.Flatten(), first, nn.ReLU(), nn.Dropout(self.dropout), second)

    def make_data(self):
        return clipwatch.digits()

    def loss(self, model, batch):
        images, labels = batch
        return F.cross_entropy(model(images), labels)

    def evaluate(self, model, batch):
        images, labels = batch
        output = model(images)
        correct = (output.argmax(1) == labels).sum()
        return clipwatch.Evaluation(loss=F.cross_entropy(output, labels), correct=correct, predictions=output.argmax(1))

"""A user's experiment for `experiments.py`: a perceptron with two hidden layers on random numbers."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

import clipwatch


@dataclass(frozen=True)
class Perceptron(clipwatch.Experiment):
    width: int = 256

    def make_model(self):
        first, second, third = nn.Linear(64, self.width), nn.Linear(self.width, self.width), nn.Linear(self.width, 10)
        return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), third)

    def make_data(self):
        x, y = torch.randn(1200, 64), torch.randint(10, (1200,))
        return clipwatch.Data((x[:1000], y[:1000]), (x[1000:], y[1000:]))

    def loss(self, model, batch):
        x, y = batch
        return F.cross_entropy(model(x), y)


class OwnOptimizer(Perceptron):
    def make_optimizer(self, parameters):
        return torch.optim.AdamW(parameters, lr=0.001)

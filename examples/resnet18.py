"""ResNet-18, with its batch normalization, on the embedded digits: clipwatch --experiment examples/resnet18.py"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
import torchvision

import clipwatch


@dataclass(frozen=True)
class ResNet18(clipwatch.Experiment):
    momentum: float = 0.9
    rate: float = 0.05
    examples = "images"

    def make_model(self):
        return torchvision.models.resnet18(num_classes=10)

    def make_data(self):
        return clipwatch.digits()

    def make_optimizer(self, parameters):
        return torch.optim.SGD(parameters, lr=self.rate, momentum=self.momentum, weight_decay=1e-4)

    def loss(self, model, batch):
        images, labels = batch
        return F.cross_entropy(model(images.expand(-1, 3, -1, -1)), labels)

    def evaluate(self, model, batch):
        images, labels = batch
        output = model(images.expand(-1, 3, -1, -1))
        correct = (output.argmax(1) == labels).sum()
        return clipwatch.Evaluation(loss=F.cross_entropy(output, labels), correct=correct, predictions=output.argmax(1))

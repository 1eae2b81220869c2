"""The file that `clipwatch experiment new` writes: a small experiment with comments that runs as it stands."""

from __future__ import annotations

from ..errors import BadInput
from ..files.paths import path_text, user_path

_TEXT = '''\
"""An experiment of your own. Run it:

    clipwatch --experiment {file}
    clipwatch --experiment {file} --set hidden=128 --lane plain=none --lane clip=norm:1
"""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

import clipwatch


@dataclass(frozen=True)
class Mine(clipwatch.Experiment):
    # The fields are the settings of the experiment: --set NAME=VALUE. In a sweep, they are axes too.
    hidden: Annotated[int, "number of hidden units"] = 64
    dropout: Annotated[float, "share of hidden units that are dropped"] = 0.1
    rate: Annotated[float, "learning rate"] = 0.001

    # What the data consist of, in the plural.
    examples = "images"

    def make_model(self):
        """Any module with float32 parameters. All lanes start from the same ones."""
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(28 * 28, self.hidden),
            nn.ReLU(),
            nn.Dropout(self.dropout),
            nn.Linear(self.hidden, 10),
        )

    def make_data(self):
        """Training and validation data: each a map-style dataset, a tensor, or a tuple of tensors."""
        # Handwritten digits that come with clipwatch. Yours: return clipwatch.Data(training_set, validation_set)
        return clipwatch.digits()

    def loss(self, model, batch):
        """The mean loss of a training batch, a scalar. clipwatch calls zero_grad, backward and step."""
        images, labels = batch
        return F.cross_entropy(model(images), labels)

    # All that follows is optional.

    def evaluate(self, model, batch):
        """What the charts show of a validation batch. Without this method, they show the loss."""
        images, labels = batch
        output = model(images)
        predictions = output.argmax(1)
        return clipwatch.Evaluation(
            loss=F.cross_entropy(output, labels),
            correct=(predictions == labels).sum(),
            # With these, clipwatch tells how often two lanes predict the same.
            predictions=predictions,
            # Figures of your own, by name.
            metrics={{"confidence": output.softmax(1).amax(1).mean()}},
        )

    # How such a figure is shown: share=True shows it in percent.
    metrics = (clipwatch.Metric("confidence", share=True),)

    def make_optimizer(self, parameters):
        """Any optimizer of torch. Without this method: that of --optimizer and --learning-rate."""
        return torch.optim.AdamW(parameters, lr=self.rate, weight_decay=0.01)

    def make_schedule(self, optimizer):
        """A schedule of the learning rate that advances with each step."""
        return torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=50)

    def gauges(self, model):
        """Numbers to follow of the model itself. They are measured with the diagnostics."""
        return {{"largest-weight": max(weights.abs().max() for weights in model.parameters())}}
'''


def starting_text(file: str) -> str:
    """The text of a starting file of this name."""
    return _TEXT.format(file=file)


def write_starting_file(path: str) -> None:
    """Write a starting file. Raises BadInput if the file exists, is not called `*.py`, or cannot be written."""
    file = user_path(path)
    if file.suffix != ".py":
        raise BadInput(f"file {path_text(file)}: its name must end with .py")
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(starting_text(path_text(file)))
    except FileExistsError:
        raise BadInput(f"file {path_text(file)}: it exists already; name another") from None
    except OSError as error:
        raise BadInput(f"file {path_text(file)}: {error.strerror}") from error

"""The data sets in MNIST's format that a run can train on, and how their files look.

Only the two training files of each are read: the first 5,000 of their 60,000 images validate, the others train.
Where to fetch the files from is torchvision's knowledge (`mirrors`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .idx import Format

SIDE = 28
"""Height and width of every image, in pixels."""


@dataclass(frozen=True)
class Kind:
    """One data set: `folder` is also the name of torchvision's class for it, `page` says where its files are.

    `sha256` gives the checksums of unpacked files by file name, where they are known.
    """

    name: str
    folder: str
    page: str
    images: str = "train-images-idx3-ubyte"
    labels: str = "train-labels-idx1-ubyte"
    label_columns: int = 0
    count: int = 60_000
    validation: int = 5_000
    sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, Format]:
        """The format each file must have, by file name: images first, then labels."""
        label_shape = (self.count, self.label_columns) if self.label_columns else (self.count,)
        return {
            self.images: Format("u1", (self.count, SIDE, SIDE)),
            self.labels: Format(">i4" if self.label_columns else "u1", label_shape),
        }


MNIST = Kind(
    "mnist",
    "MNIST",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    sha256={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
)

# A label of QMNIST is a row of 8 numbers (class, writer, ...), the class first.
QMNIST = Kind(
    "qmnist",
    "QMNIST",
    "https://github.com/facebookresearch/qmnist",
    "qmnist-train-images-idx3-ubyte",
    "qmnist-train-labels-idx2-int",
    label_columns=8,
)
FASHION = Kind("fashion-mnist", "FashionMNIST", "https://github.com/zalandoresearch/fashion-mnist")
KMNIST = Kind("kmnist", "KMNIST", "https://github.com/rois-codh/kmnist")

KINDS: dict[str, Kind] = {kind.name: kind for kind in (MNIST, FASHION, KMNIST, QMNIST)}

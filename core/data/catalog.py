"""The data sets in MNIST's format that a run can train on: the format of their files, and where they are.

Only the two training files of each are read: the first 5,000 of their 60,000 images are the validation set, the others
the training set. The MD5s are torchvision's, repeated here because importing torchvision would delay each start.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .idx import Format

SIDE = 28
"""Height and width of every image, in pixels."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A data set. `folder` is its folder in torchvision's layout, `page` a web page or folder with its files.

    `md5`: of the gzipped files, images first. `checksum`: of the content (`packed_files.checksum`), if it is known.
    """

    name: str
    folder: str
    page: str
    md5: tuple[str, str]
    images: str = "train-images-idx3-ubyte"
    labels: str = "train-labels-idx1-ubyte"
    label_columns: int = 0
    count: int = 60_000
    validation: int = 5_000
    checksum: str | None = None

    @property
    def files(self) -> dict[str, Format]:
        """The required format of each file by name: images first, then labels."""
        label_shape = (self.count, self.label_columns) if self.label_columns else (self.count,)
        return {
            self.images: Format("u1", (self.count, SIDE, SIDE)),
            self.labels: Format(">i4" if self.label_columns else "u1", label_shape),
        }

    @property
    def packed(self) -> dict[str, str]:
        """The MD5 of each gzipped file by name: images first, then labels."""
        return dict(zip((f"{name}.gz" for name in self.files), self.md5, strict=True))

    def raw_folder(self, home: Path) -> Path:
        """The folder of the files in torchvision's layout under `home`."""
        return home / self.folder / "raw"


MNIST = Kind(
    name="mnist",
    folder="MNIST",
    page="https://ossci-datasets.s3.amazonaws.com/mnist/",
    md5=("f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432"),
    checksum="edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
)
FASHION = Kind(
    name="fashion-mnist",
    folder="FashionMNIST",
    page="https://github.com/zalandoresearch/fashion-mnist",
    md5=("8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe"),
)
KMNIST = Kind(
    name="kmnist",
    folder="KMNIST",
    page="https://github.com/rois-codh/kmnist",
    md5=("bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344"),
)
# A label of QMNIST is a row of 8 numbers (class, writer, ...).
QMNIST = Kind(
    name="qmnist",
    folder="QMNIST",
    page="https://github.com/facebookresearch/qmnist",
    md5=("ed72d4157d28c017586c42bc6afe6370", "0058f8dd561b90ffdd0f734c6a30e5e4"),
    images="qmnist-train-images-idx3-ubyte",
    labels="qmnist-train-labels-idx2-int",
    label_columns=8,
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in (MNIST, FASHION, KMNIST, QMNIST)}

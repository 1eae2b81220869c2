"""The addresses for downloading data files: torchvision's mirrors, or those that the user names.

The variable CLIPWATCH_MIRRORS, addresses separated by commas, replaces torchvision's mirrors (not its checksums). A
classroom can keep the `.gz` files on its own server this way. `{dataset}` in it stands for the data set's name.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from ..errors import BadInput, ClipwatchError
from ..stream.events import StageStarted
from .catalog import Kind
from .request import Request


def find_mirrors(kind: Kind, request: Request) -> list[str]:
    """The addresses of folders that hold the packed files of `kind`.

    Raises ClipwatchError if torchvision is needed and cannot be imported.
    """
    return [address.rstrip("/") for address in _from_user(kind) or _from_torchvision(kind, request)]


def _from_user(kind: Kind) -> list[str]:
    addresses = os.environ.get("CLIPWATCH_MIRRORS", "").split(",")
    return [_check_address(address.strip().replace("{dataset}", kind.name)) for address in addresses if address.strip()]


def _check_address(address: str) -> str:
    try:
        parse_url(address)
    except LocationParseError as error:
        raise BadInput(
            f"CLIPWATCH_MIRRORS: {address.rpartition('@')[2]} is not a web address: write https://HOST/PATH"
        ) from error
    return address


def _from_torchvision(kind: Kind, request: Request) -> list[str]:
    request.report(StageStarted(stage="loading torchvision, which knows the mirrors"))
    dataset = getattr(_import_datasets(), kind.folder)
    if isinstance(dataset.resources, dict):  # QMNIST lists whole addresses; its `mirrors` are those of MNIST.
        return [dataset.resources["train"][0][0].rpartition("/")[0]]
    return dataset.mirrors


def _import_datasets() -> Any:
    try:
        return importlib.import_module("torchvision.datasets")
    # A torchvision built for another torch fails in any of these ways ("operator torchvision::nms does not exist").
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        raise ClipwatchError(
            f"torchvision cannot be imported ({str(error).splitlines()[0] if str(error) else type(error).__name__});"
            " install it and torch together: pip install --upgrade --force-reinstall torch torchvision"
        ) from error

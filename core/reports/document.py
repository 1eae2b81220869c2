"""A report written to disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..errors import BadInput
from ..files.outputs import is_stream, write_output
from .blocks import Block, Picture
from .contents import contents
from .markdown import markdown
from .phrases import Words
from .story import RunStory
from .webpage import webpage

Format = Literal["html", "md"]


def write_report(runs: Sequence[RunStory], path: Path, format: Format = "html", language: str = "en") -> None:
    """Write a report of one or more runs; ClipwatchError if it cannot be written, or matplotlib is missing.

    Markdown gets its figures as SVG files beside it, named after it: where `path` is a link, after what it leads to.
    """
    write_blocks(contents(runs, Words(language)), path, format, language)


def write_blocks(blocks: Sequence[Block], path: Path, format: Format = "html", language: str = "en") -> None:
    """Write a document that is made already."""
    if format == "html":
        write_output(path, webpage(blocks, language).encode())
        return
    if is_stream(path):
        raise BadInput(f"{path}: Markdown has its figures in files beside it: name a file, or give --format html")
    pictures = [block for block in blocks if isinstance(block, Picture)]
    written = Path(os.path.realpath(path))
    files = {picture.name: f"{written.stem}-{picture.name}.svg" for picture in pictures}
    # The document first: where it cannot be written, no figures are left behind.
    write_output(path, markdown(blocks, files).encode())
    for picture in pictures:
        write_output(written.with_name(files[picture.name]), picture.svg.encode())

"""Writes a report to disk."""

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
from .run_summary import RunSummary
from .webpage import webpage

Format = Literal["html", "md"]


def write_report(runs: Sequence[RunSummary], path: Path, format: Format = "html", language: str = "en") -> None:
    """Write a report of one or more runs. Raises ClipwatchError if it cannot be written, or matplotlib is missing.

    For Markdown, the figures are SVG files in the same folder, named after the report. If `path` is a symbolic link,
    folder and name are those of its target.
    """
    write_blocks(contents(runs, Words(language)), path, format, language)


def write_blocks(blocks: Sequence[Block], path: Path, format: Format = "html", language: str = "en") -> None:
    """Write a document from its blocks. Raises as `write_report` does."""
    if format == "html":
        write_output(path, webpage(blocks, language).encode())
        return
    if is_stream(path):
        raise BadInput(f"{path}: Markdown needs figure files beside it: give a file name with -o, or use --format html")
    pictures = [block for block in blocks if isinstance(block, Picture)]
    target = Path(os.path.realpath(path))
    files = {picture.name: f"{target.stem}-{picture.name}.svg" for picture in pictures}
    # The document comes first: if it cannot be written, no figures are left behind.
    write_output(path, markdown(blocks, files).encode())
    for picture in pictures:
        write_output(target.with_name(files[picture.name]), picture.svg.encode())

"""The recorded run that a command line names."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..text.messages import tell
from .options import option

if TYPE_CHECKING:
    from ...core.runs.folder import RunFolder

RUN = option("run", metavar="RUN", help="folder or name of a run, or last for the newest one")


def found_run(args: argparse.Namespace) -> RunFolder:
    """The folder of the run. Raises BadInput."""
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.recorded_folders import find_run

    return find_run(args.run, runs_folder(args.runs_dir), tell)

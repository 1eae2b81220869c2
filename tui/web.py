"""`clipwatch --web`: the same screen in a browser on this machine, served by textual-serve."""

from __future__ import annotations

import shlex
import sys

from ..core.errors import BadInput, ClipwatchError
from ..core.extras import installation


def serve(port: int, arguments: list[str]) -> int:
    """Serve on the loopback address until interrupted; every page that is opened gets a run of its own."""
    if not 0 < port < 65536:
        raise BadInput(f"--web {port}: a port is from 1 to 65535")
    try:
        from textual_serve.server import Server
    except ImportError as error:
        raise ClipwatchError(f"--web needs textual-serve: {installation('web')}") from error
    command = shlex.join([sys.executable, "-m", "clipwatch.tui.cli", *_without_web(arguments)])
    Server(command, host="127.0.0.1", port=port, title="clipwatch").serve()
    return 0


def _without_web(arguments: list[str]) -> list[str]:
    kept, skip = [], False
    for argument in arguments:
        if argument == "--web" or argument.startswith("--web="):
            skip = argument == "--web"
        elif skip and argument.isdecimal():
            skip = False
        else:
            kept.append(argument)
            skip = False
    return kept

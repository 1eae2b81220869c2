"""`clipwatch --web`: the screen in a browser on this machine, served by textual-serve."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Sequence

from ...core.errors import BadInput, ClipwatchError
from ...core.optional_packages import installation
from ..engine_child.request import ScreenRequest, encoded
from .origins import Origin, origin_of


def serve(port: int, origins: Sequence[str], screen: ScreenRequest) -> int:
    """Serve on the loopback address until interrupted. Every page that is opened starts a separate run.

    `origins` are further addresses at which the page may be opened, such as that of a proxy.
    """
    if not 0 < port < 65536:
        raise BadInput(f"--web {port}: the port must be from 1 to 65535")
    allowed = frozenset(map(_parse_origin, origins))
    try:
        from .server import WebServer
    except ImportError as error:
        raise ClipwatchError(f"--web needs textual-serve: {installation('web')}") from error
    try:
        # textual-serve announces the address before it binds the port.
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise ClipwatchError(f"--web {port}: {os.strerror(error.errno or 0)}; give another port") from error
    command = shlex.join([sys.executable, "-P", "-m", "clipwatch.tui.web.screen", encoded(screen).decode()])
    WebServer(command, port, allowed).serve()
    return 0


def _parse_origin(address: str) -> Origin:
    if (origin := origin_of(address)) is None:
        raise BadInput(f"--web-origin {address!r}: write the address of the page, such as https://lab.example.org")
    return origin

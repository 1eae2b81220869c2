"""`clipwatch --web`: the screen in a browser on this machine, served by textual-serve."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from ...core.errors import BadInput, ClipwatchError
from ...core.optional_packages import installation
from ..engine_child.request import ScreenRequest, encoded

# Host names of the loopback address.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


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


# Scheme, host and port.
Origin = tuple[str, str, int | None]
_PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> Origin | None:
    """The origin of an http or https address, None if it is not one."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _parse_origin(address: str) -> Origin:
    if (origin := origin_of(address)) is None:
        raise BadInput(f"--web-origin {address!r}: write the address of the page, such as https://lab.example.org")
    return origin


def is_allowed(host: str, origin: str | None, port: int, others: frozenset[Origin]) -> bool:
    """Whether to answer a request that was sent to `host` by a page from `origin` (None: not sent by a page).

    A page of another site must not control the screen, nor read it through a DNS name of its own that resolves to this
    machine. An ssh tunnel changes the port of the page, so a loopback host may have any port, but then the page must
    come from that port or from `port`.
    """
    target = origin_of(f"http://{host}")
    if target is None or (target[1] not in LOOPBACK and target[1] not in {name for _, name, _ in others}):
        return False
    if origin is None:
        return True
    page = origin_of(origin)
    return page in others or (page is not None and page[1] in LOOPBACK and page[2] in (port, target[2]))

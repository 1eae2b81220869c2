"""`clipwatch --web`: the same screen in a browser on this machine, served by textual-serve."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

from ...core.errors import BadInput, ClipwatchError
from ...core.extras import installation
from ..engine_child.request import ScreenRequest, encoded

# The names that this machine has for itself; a page from elsewhere has another.
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(port: int, origins: Sequence[str], screen: ScreenRequest) -> int:
    """Serve on the loopback address until interrupted; every page that is opened gets a run of its own.

    `origins` are the addresses under which proxies show the page.
    """
    if not 0 < port < 65536:
        raise BadInput(f"--web {port}: a port is from 1 to 65535")
    allowed = frozenset(map(_given_origin, origins))
    try:
        from .server import WebServer
    except ImportError as error:
        raise ClipwatchError(f"--web needs textual-serve: {installation('web')}") from error
    command = shlex.join([sys.executable, "-P", "-m", "clipwatch.tui.web.screen", encoded(screen).decode()])
    WebServer(command, port, allowed).serve()
    return 0


# Scheme, host and port of a page.
Origin = tuple[str, str, int | None]
_PORTS = {"http": 80, "https": 443}


def origin_of(address: str) -> Origin | None:
    """The origin that an address names, None if it names none."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


def _given_origin(address: str) -> Origin:
    if (origin := origin_of(address)) is None:
        raise BadInput(f"--web-origin {address!r}: write the address of the page, like https://lab.example.org")
    return origin


def is_allowed(host: str, origin: str | None, port: int, others: frozenset[Origin]) -> bool:
    """Whether a request may be answered that was sent to `host` by a page from `origin` (None: by no page).

    A page of somebody else's must not drive the screen, nor read it by a name of its own for this machine. At the far
    end of an ssh tunnel the page has another port, so a loopback name may have any, but the page that speaks must
    come from there, too.
    """
    asked = origin_of(f"http://{host}")
    if asked is None or (asked[1] not in LOOPBACK and asked[1] not in {name for _, name, _ in others}):
        return False
    if origin is None:
        return True
    page = origin_of(origin)
    return page in others or (page is not None and page[1] in LOOPBACK and page[2] in (port, asked[2]))

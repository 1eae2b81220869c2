"""The web addresses that may use the screen: pages on this machine, and further origins that the user allows."""

from __future__ import annotations

from urllib.parse import urlsplit

# Scheme, host and port.
Origin = tuple[str, str, int | None]
_PORTS = {"http": 80, "https": 443}
# Host names of the loopback address.
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


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


def is_allowed(host: str, origin: str | None, port: int, others: frozenset[Origin]) -> bool:
    """Whether to answer a request that was sent to `host` by a page from `origin` (None: not sent by a page).

    A page of another site must not control the screen, nor read it through a DNS name of that site that resolves to
    this machine. An ssh tunnel changes the port of the page, so a loopback host may have any port, but then the page
    must come from that port or from `port`.
    """
    target = origin_of(f"http://{host}")
    if target is None or (target[1] not in _LOOPBACK and target[1] not in {name for _, name, _ in others}):
        return False
    if origin is None:
        return True
    page = origin_of(origin)
    return page in others or (page is not None and page[1] in _LOOPBACK and page[2] in (port, target[2]))

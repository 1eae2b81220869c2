"""Describes the failures of mirrors in words, without the passwords that addresses may hold."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
from requests import exceptions
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import ProtocolError, ReadTimeoutError
from urllib3.util import parse_url

from .idx import GZIP_MAGIC
from .request import Limits

START = 64
"""The number of bytes at the start of a file that identify its type."""


def host(url: str) -> str:
    """The host and port of an address, or the whole address if it has no host."""
    return (urlsplit(url).netloc or url).rpartition("@")[2]


def wrong_content(start: bytes) -> str | None:
    """Describe what was sent instead of a gzip file, judged by its first bytes; None if it is one."""
    if start.startswith(GZIP_MAGIC):
        return None
    # A captive portal answers with its login page.
    page = start.lstrip().startswith(b"<")
    return f"sent {'a web page' if page else 'something else'} instead ({_PAGE if page else 'not gzipped data'})"


_PAGE = "the login page of this network?"


def describe(error: Exception, url: str, limits: Limits) -> str:
    """Describe what the host did. The text continues a sentence that begins with the host's name."""
    # The messages of requests are not used: they contain addresses, which may hold passwords.
    match error:
        case exceptions.HTTPError() if error.response is not None:
            return f"answered {error.response.status_code}"
        case exceptions.InvalidSchema() if "SOCKS" in str(error):
            return "is behind a SOCKS proxy (see ALL_PROXY), which needs a package: pip install pysocks"
        case exceptions.InvalidProxyURL():
            return _BAD_PROXY
        case ValueError():
            return _malformed_part(error, url)
        case exceptions.ConnectTimeout():
            return f"did not accept a connection within {limits.connect:g} s"
        case exceptions.ProxyError():
            return f"could not be reached through the proxy (see HTTPS_PROXY, HTTP_PROXY): {_detail(error)}"
        case exceptions.SSLError():
            return _tls_failure(error)
        case _ if _caused_by(error, ReadTimeoutError):
            return f"sent nothing for {limits.stall:g} s"
        case _ if _caused_by(error, ProtocolError):
            return "broke off"
        case exceptions.ConnectionError():
            return f"could not be reached: {_detail(error)}"
        case exceptions.TooManyRedirects():
            return "redirects endlessly"
        case requests.RequestException():
            return f"failed ({type(error).__name__})"
        case _:
            # For example, REQUESTS_CA_BUNDLE names a file that does not exist.
            return f"could not be requested: {error}"


_BAD_PROXY = "cannot be reached: the proxy's address (see HTTPS_PROXY, HTTP_PROXY) is malformed"


def _malformed_part(error: ValueError, url: str) -> str:
    """Find what is malformed: the address, the response, the proxy's address, or the target of a redirect."""
    if not _names_host(url, _WEB):
        return "is not a web address: write http:// or https://, or give a folder with --data-dir"
    if isinstance(error, exceptions.InvalidHeader):
        return "sent a malformed response"
    proxy = select_proxy(url, get_environ_proxies(url))
    if proxy and not _names_host(proxy, _PROXY):
        return _BAD_PROXY
    return "redirects to something that is not a web address"


_WEB = ("http", "https")
# None: a proxy without a scheme is an HTTP proxy.
_PROXY = (None, *_WEB, "socks4", "socks4a", "socks5", "socks5h")


def _names_host(address: str, schemes: tuple[str | None, ...]) -> bool:
    """Whether an address has one of the schemes and a valid host name, by the rules of requests and urllib3."""
    try:
        parts = parse_url(address)
        name = parts.host or "*"
        return parts.scheme in schemes and not name.startswith("*") and bool(name.encode("idna"))
    except ValueError:
        return False


def _tls_failure(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"has no valid certificate ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return f"could not be reached by TLS: {cause.reason.lower().replace('_', ' ')}"
    return "could not be reached by TLS"


def _detail(error: Exception) -> str:
    *_, first = _causes(error)
    if isinstance(first, socket.gaierror):
        return "its name is not known (no network?)"
    return (first.strerror or str(first)).lower() if isinstance(first, OSError) else type(first).__name__


def _caused_by(error: Exception, cause: type[Exception]) -> bool:
    return any(isinstance(each, cause) for each in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error, its cause, the cause of that, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__

"""What went wrong with a mirror, in words, and without the password that its address may hold."""

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
"""The number of first bytes that tell what a file is."""


def host(url: str) -> str:
    """The address's host and port, or all of it where it has none."""
    return (urlsplit(url).netloc or url).rpartition("@")[2]


def wrong_content(start: bytes) -> str | None:
    """What was sent in place of a gzip file, by its first bytes; None if it is one."""
    if start.startswith(GZIP_MAGIC):
        return None
    # A portal's login page is an answer too.
    page = start.lstrip().startswith(b"<")
    return f"sent {'a web page' if page else 'something else'} instead ({_PAGE if page else 'not gzipped data'})"


_PAGE = "the login page of this network?"


def describe(error: Exception, url: str, limits: Limits) -> str:
    """What the host did, as the end of a sentence that begins with its name."""
    # The messages of requests hold whole addresses, which may hold a password.
    match error:
        case exceptions.HTTPError() if error.response is not None:
            return f"answered {error.response.status_code}"
        case exceptions.InvalidSchema() if "SOCKS" in str(error):
            return "is behind a SOCKS proxy (see ALL_PROXY), which needs a package: pip install pysocks"
        case exceptions.InvalidProxyURL():
            return _BAD_PROXY
        case ValueError():
            return _malformed(error, url)
        case exceptions.ConnectTimeout():
            return f"did not accept a connection within {limits.connect:g} s"
        case exceptions.ProxyError():
            return f"could not be reached through the proxy (see HTTPS_PROXY, HTTP_PROXY): {_detail(error)}"
        case exceptions.SSLError():
            return _without_tls(error)
        case _ if _came_of(error, ReadTimeoutError):
            return f"sent nothing for {limits.stall:g} s"
        case _ if _came_of(error, ProtocolError):
            return "broke off"
        case exceptions.ConnectionError():
            return f"could not be reached: {_detail(error)}"
        case exceptions.TooManyRedirects():
            return "redirects without end"
        case requests.RequestException():
            return f"failed ({type(error).__name__})"
        case _:
            # Certificates that are not where REQUESTS_CA_BUNDLE says, for one.
            return f"could not be asked: {error}"


_BAD_PROXY = "cannot be asked: the proxy's address (see HTTPS_PROXY, HTTP_PROXY) is malformed"


def _malformed(error: ValueError, url: str) -> str:
    """What is wrong: the address asked, the answer, the proxy's address, or else where the answer leads."""
    if not _names_host(url, _WEB):
        return "is no web address: write http:// or https://, or give a folder with --data-dir"
    if isinstance(error, exceptions.InvalidHeader):
        return "sent an answer that is not understood"
    proxy = select_proxy(url, get_environ_proxies(url))
    if proxy and not _names_host(proxy, _PROXY):
        return _BAD_PROXY
    return "redirects to what is no web address"


_WEB = ("http", "https")
# Without a scheme it is one of HTTP.
_PROXY = (None, *_WEB, "socks4", "socks4a", "socks5", "socks5h")


def _names_host(address: str, schemes: tuple[str | None, ...]) -> bool:
    """Whether it has one of the schemes and a host that could be asked, as requests and urllib3 find only later."""
    try:
        parts = parse_url(address)
        name = parts.host or "*"
        return parts.scheme in schemes and not name.startswith("*") and bool(name.encode("idna"))
    except ValueError:
        return False


def _without_tls(error: Exception) -> str:
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


def _came_of(error: Exception, cause: type[Exception]) -> bool:
    return any(isinstance(each, cause) for each in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, its cause, the cause's cause, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__

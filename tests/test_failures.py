"""Answers that lead nowhere or are none, in words: what is wrong is neither the address asked nor a proxy."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from clipwatch.core.data.failures import describe
from clipwatch.core.data.request import Limits


@contextmanager
def answering(*headers: str) -> Iterator[str]:
    """The address of a server that answers one request with these lines."""
    answer = "\r\n".join(["HTTP/1.1 " + headers[0], *headers[1:], "", ""])

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer.encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/data"
        thread.join()


def told(url: str) -> str:
    with pytest.raises((OSError, ValueError)) as caught:
        requests.get(url, timeout=5)
    return describe(caught.value, url, Limits())


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("place", ["http://a:99999999/", "file:///x", "http://[::1/", f"http://{'a' * 70}.org/"])
def test_a_redirect_to_no_web_address_is_told_as_one(place: str) -> None:
    with answering("302 Found", f"Location: {place}") as url:
        assert told(url) == "redirects to something that is not a web address"


def test_an_answer_of_two_lengths_is_not_understood() -> None:
    with answering("200 OK", "Content-Length: 3", "Content-Length: 4") as url:
        assert told(url) == "sent a malformed response"


@pytest.mark.parametrize("url", ["http://[::1/", "http://a:99999999/", "http://*a/", f"http://{'a' * 70}.org/", "a:8"])
def test_an_address_that_is_malformed_itself_is_told_as_one(url: str) -> None:
    assert told(url).startswith("is not a web address")


@pytest.mark.parametrize(
    "proxy", ["http://[::1/", "http://a:99999999", f"http://{'a' * 70}", "file:///x", "gopher://a"]
)
def test_a_malformed_proxy_is_still_told_as_one(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    assert "the proxy's address" in told("http://mirror.example/data")

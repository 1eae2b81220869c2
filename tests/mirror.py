"""A mirror on this machine that misbehaves as real ones do, for the tests of downloading."""

from __future__ import annotations

import gzip
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

HTML = b"<!DOCTYPE html><html><body>Please log in to this network</body></html>"


class Mirror:
    """Serves `files` by name; answers the first requests as `script` says, one word each, and the rest well.

    Words: `ok`, a status such as `503`, `stall` (half the file, then silence; `stall:9` says that the file has 9
    bytes), `silent` (no answer at all), `trickle` (a byte now and then), `reset` (half, then the connection is torn
    down), `truncated` (half, said to be all), `broken-off` (half, said to be half of it), `wrong` (other bytes of that
    length), `html`, `encoded` (the file, called an encoding).
    """

    def __init__(self, files: Mapping[str, bytes], script: tuple[str, ...] = ()) -> None:
        self.files = dict(files)
        self.script = list(script)
        self.requests: list[str] = []
        self.closing = Event()
        self.resume = Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.mirror = self
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/data"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        self.resume.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(files: Mapping[str, bytes], *script: str) -> Iterator[Mirror]:
    """A mirror for the time of the block."""
    mirror = Mirror(files, script)
    mirror.start()
    try:
        yield mirror
    finally:
        mirror.close()


def refusing_url() -> str:
    """An address on this machine at which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/data"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    mirror: Mirror

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        mirror = self.server.mirror
        name = self.path.rpartition("/")[2]
        mirror.requests.append(name)
        word = mirror.script.pop(0) if mirror.script else "ok"
        body = mirror.files.get(name)
        if word.isdigit() or body is None:
            self.send_error(int(word) if word.isdigit() else 404)
        else:
            name, *arguments = word.split(":")
            getattr(self, f"_{name.replace('-', '_')}")(body, *arguments)

    def _send(self, body: bytes, length: int | str | None = None, **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def _ok(self, body: bytes) -> None:
        self._send(body)

    def _encoded(self, body: bytes) -> None:
        self._send(body, Content_Encoding="gzip")

    def _wrong(self, body: bytes) -> None:
        self._send(gzip.compress(b"something else").ljust(len(body), b"\0"))

    def _astray(self, body: bytes) -> None:
        self.send_response(302)
        self.send_header("Location", "http://[::1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _html(self, body: bytes) -> None:
        self._send(HTML, Content_Type="text/html")

    def _truncated(self, body: bytes) -> None:
        self._send(body[: len(body) // 2])

    def _broken_off(self, body: bytes) -> None:
        self._send(body[: len(body) // 2], len(body))

    def _stall(self, body: bytes, length: str | None = None) -> None:
        self._send(body[: len(body) // 2], length or len(body))
        self.server.mirror.resume.wait()

    def _silent(self, body: bytes) -> None:
        self.server.mirror.closing.wait()

    def _trickle(self, body: bytes) -> None:
        self._send(b"", len(body))
        for byte in body:
            if self.server.mirror.closing.wait(0.02):
                return
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def _reset(self, body: bytes) -> None:
        self._send(body[: len(body) // 2], len(body))
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Closed behind the server's back, which would say a polite goodbye, so that the client gets a reset.
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

"""textual-serve's server, for pages of its own alone; it imports textual-serve, which is an extra."""

from __future__ import annotations

import logging
import re

from aiohttp import web
from textual_serve.server import Server

from .web import Origin, is_allowed

# Runs before the page connects: its address is known to the browser alone, behind tunnels and proxies.
_CONNECT_HERE = """<script>
for (const terminal of document.querySelectorAll("[data-session-websocket-url]"))
    terminal.dataset.sessionWebsocketUrl = new URL("ws", location.href).href.replace(/^http/, "ws");
</script>
</body>"""
# The page's font comes from elsewhere, which a page on this machine does not ask.
_FOREIGN = re.compile(r'<link\s+rel="stylesheet"\s+href="https://[^>]*>')


class WebServer(Server):
    """Answers pages that it served itself, and those of `origins`; all others get 403."""

    def __init__(self, command: str, port: int, origins: frozenset[Origin]) -> None:
        super().__init__(command, host="127.0.0.1", port=port, title="clipwatch", public_url=f"http://127.0.0.1:{port}")
        self._origins = origins
        logging.getLogger("textual-serve").addFilter(_is_no_bad_message)

    async def on_startup(self, app: web.Application) -> None:
        """Say where the page is."""
        self.console.print(f"clipwatch: the screen is at {self.public_url}; Ctrl+C ends it", highlight=False)

    async def handle_index(self, request: web.Request) -> web.Response:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The page, with addresses relative to its own."""
        self._check(request)
        response = await super().handle_index(request)
        assert isinstance(response, web.Response)
        assert response.text
        text = re.sub(rf"(http|ws)://127\.0\.0\.1:{self.port}/", "", response.text)
        response.text = _FOREIGN.sub("", text).replace("</body>", _CONNECT_HERE)
        return response

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """The terminal in the page."""
        self._check(request)
        return await super().handle_websocket(request)

    async def handle_download(self, request: web.Request) -> web.StreamResponse:
        """A file that the screen delivers."""
        self._check(request)
        return await super().handle_download(request)

    def _check(self, request: web.Request) -> None:
        if not is_allowed(request.host, request.headers.get("Origin"), self.port, self._origins):
            raise web.HTTPForbidden(
                text="clipwatch: this page is served elsewhere; --web-origin allows another address\n"
            )


def _is_no_bad_message(record: logging.LogRecord) -> bool:
    """Whether it is anything but the traceback of a message that our page never sends, which ends the connection."""
    error = record.exc_info and record.exc_info[1]
    return not isinstance(error, (AssertionError, AttributeError, LookupError, TypeError, ValueError))

"""The web server: textual-serve's, restricted to allowed origins. Imports textual-serve, which is an optional extra."""

from __future__ import annotations

import logging
import re

from aiohttp import web
from textual_serve.server import Server

from .origins import Origin, is_allowed

# Sets the WebSocket address before the page connects. Only the browser knows it behind tunnels and proxies.
_WEBSOCKET_SCRIPT = """<script>
for (const terminal of document.querySelectorAll("[data-session-websocket-url]"))
    terminal.dataset.sessionWebsocketUrl = new URL("ws", location.href).href.replace(/^http/, "ws");
</script>
</body>"""
# The link to a font on another server: a local page makes no requests to the network.
_REMOTE_FONT = re.compile(r'<link\s+rel="stylesheet"\s+href="https://[^>]*>')


class WebServer(Server):
    """Answers requests from its own pages and from `origins`, and all others with 403."""

    def __init__(self, command: str, port: int, origins: frozenset[Origin]) -> None:
        super().__init__(command, host="127.0.0.1", port=port, title="clipwatch", public_url=f"http://127.0.0.1:{port}")
        self._origins = origins
        logging.getLogger("textual-serve").addFilter(_is_worth_logging)

    async def on_startup(self, app: web.Application) -> None:
        """Print the address of the page."""
        self.console.print(
            f"clipwatch: the screen is at {self.public_url}; press Ctrl+C to stop the server", highlight=False
        )

    async def handle_index(self, request: web.Request) -> web.Response:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Serve the page, with relative addresses."""
        self._check(request)
        response = await super().handle_index(request)
        assert isinstance(response, web.Response)
        assert response.text
        text = re.sub(rf"(http|ws)://127\.0\.0\.1:{self.port}/", "", response.text)
        response.text = _REMOTE_FONT.sub("", text).replace("</body>", _WEBSOCKET_SCRIPT)
        return response

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the terminal of the page."""
        self._check(request)
        return await super().handle_websocket(request)

    async def handle_download(self, request: web.Request) -> web.StreamResponse:
        """Serve a file that the screen offers for download."""
        self._check(request)
        return await super().handle_download(request)

    def _check(self, request: web.Request) -> None:
        if not is_allowed(request.host, request.headers.get("Origin"), self.port, self._origins):
            raise web.HTTPForbidden(
                text="clipwatch: this page address is not allowed; to allow it, start clipwatch with --web-origin\n"
            )


def _is_worth_logging(record: logging.LogRecord) -> bool:
    """False for the traceback of a malformed message. Our page never sends one, and it ends the connection anyway."""
    error = record.exc_info and record.exc_info[1]
    return not isinstance(error, (AssertionError, AttributeError, LookupError, TypeError, ValueError))

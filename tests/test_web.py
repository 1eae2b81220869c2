"""`clipwatch --web`: the screen in a browser, read from the terminal that the page draws."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

aiohttp = pytest.importorskip("aiohttp", reason="the extra `web` is not installed")
pytest.importorskip("textual_serve", reason="the extra `web` is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0 --window-size=1200,800"
)
# The page asks for a font from elsewhere: no test waits for that.
NOWHERE_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
DEADLINE = 30.0
# The page keeps its terminal to itself: this catches it as it is made.
CATCH_TERMINAL = """
Object.defineProperty(Object.prototype, 'terminal', {configurable: true, set(it) {
    Object.defineProperty(this, 'terminal', {value: it, writable: true});
    window.caught = it;
}});
"""
READ_TERMINAL = """(() => {
    const buffer = window.caught?.buffer?.active, rows = [];
    for (let y = 0; buffer && y < window.caught.rows; y++) rows.push(buffer.getLine(y)?.translateToString() ?? '');
    return rows.join('\\n');
})()"""


@contextmanager
def served() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "clipwatch.tui.cli", "--dataset", "digits", "--no-record", "--web", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield port
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


async def answers(port: int) -> None:
    """Wait until somebody listens."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return


class Page:
    """A browser's page, spoken to through its debugging port."""

    def __init__(self, connection: Any) -> None:
        self._connection, self._asked, self._page = connection, 0, ""

    async def open(self, address: str) -> None:
        target = await self.ask("Target.createTarget", url="about:blank")
        attached = await self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._page = attached["sessionId"]
        await self.ask("Page.enable")
        await self.ask("Page.addScriptToEvaluateOnNewDocument", source=CATCH_TERMINAL)
        await self.ask("Page.navigate", url=address)

    async def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": parameters}
        await self._connection.send_json(message | ({"sessionId": self._page} if self._page else {}))
        while (answer := await self._connection.receive_json()).get("id") != self._asked:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    async def text(self) -> str:
        answer = await self.ask("Runtime.evaluate", expression=READ_TERMINAL)
        return answer["result"].get("value", "")

    async def shows(self, *words: str) -> str:
        text = ""
        try:
            async with asyncio.timeout(DEADLINE):
                while any(word not in text for word in words):
                    await asyncio.sleep(0.05)
                    text = await self.text()
        except TimeoutError:
            raise AssertionError(f"{words} never came; on the page:\n{text}") from None
        return text

    async def type(self, text: str) -> None:
        await self.ask("Runtime.evaluate", expression="window.caught.focus()")
        await self.ask("Input.insertText", text=text)


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    assert CHROMIUM
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = await asyncio.create_subprocess_exec(
            CHROMIUM,
            *QUIET.split(),
            NOWHERE_ELSE,
            f"--user-data-dir={folder}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            assert process.stderr
            address = ""
            async with asyncio.timeout(DEADLINE):
                while not address:
                    line = (await process.stderr.readline()).decode(errors="replace")
                    assert line, "the browser ended"
                    address = next(iter(re.findall(r"DevTools listening on (ws://\S+)", line)), "")
            async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as connection:
                yield Page(connection)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_the_page_shows_the_panes_and_a_key_toggles_the_clip() -> None:
    async def look() -> None:
        await answers(port)
        async with browser() as page:
            await page.open(f"http://127.0.0.1:{port}")
            await page.shows("unclipped", "value:0.001", "Start Training...", "loss", "accuracy", "help")
            assert "no clean comparison" not in await page.text()
            await page.type("c")
            await page.shows("value:0.001 -> none", "no clean comparison")

    with served() as port:
        asyncio.run(look())


def test_it_listens_on_the_loopback_address_alone() -> None:
    async def look() -> None:
        await answers(port)
        listening = subprocess.run(["cat", "/proc/net/tcp", "/proc/net/tcp6"], capture_output=True, text=True).stdout
        addresses = [line.split()[1] for line in listening.splitlines() if line.split()[1].endswith(f":{port:04X}")]
        assert {address.partition(":")[0] for address in addresses} == {"0100007F"}

    if not os.path.exists("/proc/net/tcp"):
        pytest.skip("reads /proc to see who listens")
    with served() as port:
        asyncio.run(look())


@pytest.mark.parametrize("port", ["0", "70000"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    command = [sys.executable, "-m", "clipwatch.tui.cli", "--web", port]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"clipwatch: --web {port}: a port is from 1 to 65535\n"

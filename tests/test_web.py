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
from pathlib import Path
from typing import IO, Any

import pytest

from clipwatch.tui.cli.main import main
from clipwatch.tui.web.origins import is_allowed, origin_of

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


PROXY = "https://lab.example.org"


@contextmanager
def served(*options: str, output: int | IO[bytes] = subprocess.DEVNULL) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "clipwatch.tui.cli.main", "--dataset", "digits", "--no-record", "--web", str(port)]
    command += options
    with subprocess.Popen(command, stdout=output, stderr=output) as server:
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
            await page.shows("A   unclipped", "every element within ±0.001", "validation loss", "accuracy", "help")
            assert "mid-run" not in await page.text()
            await page.type("c")
            await page.shows("value:0.001 -> none", "mid-run")

    with served() as port:
        asyncio.run(look())


def test_a_port_in_use_is_one_line_and_no_address_is_announced(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--dataset", "digits", "--web", str(port)]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err == f"clipwatch: --web {port}: Address already in use; give another port\n"


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


# By a request's Host and Origin, PORT being the server's: whether it is answered.
REQUESTS = [
    ("127.0.0.1:PORT", None, True),
    ("127.0.0.1:PORT", "http://127.0.0.1:PORT", True),
    ("127.0.0.1:PORT", "http://localhost:PORT", True),
    ("LOCALHOST:PORT", "http://localhost:PORT", True),
    ("[::1]:PORT", "http://[::1]:PORT", True),
    ("localhost:9000", "http://localhost:9000", True),
    ("lab.example.org", PROXY, True),
    ("127.0.0.1:PORT", PROXY, True),
    ("127.0.0.1:PORT", "https://LAB.example.org:443", True),
    ("127.0.0.1:PORT", "http://lab.example.org", False),
    ("127.0.0.1:PORT", f"{PROXY}:8443", False),
    ("127.0.0.1:PORT", "http://evil.example", False),
    ("127.0.0.1:PORT", "http://localhost:3000", False),
    ("127.0.0.1:PORT", "http://localhost.evil.example:PORT", False),
    ("127.0.0.1:PORT", "http://127.0.0.1@evil.example:PORT", False),
    ("127.0.0.1:PORT", "null", False),
    ("127.0.0.1:PORT", "", False),
    ("127.0.0.1:PORT", "http://[::1", False),
    ("evil.example:PORT", None, False),
    ("evil.example:PORT", "http://evil.example:PORT", False),
    ("evil.example:PORT", "http://localhost:PORT", False),
    ("evil.example@localhost:PORT", "http://localhost:PORT", False),
]


@pytest.mark.parametrize(("host", "origin", "answered"), REQUESTS)
def test_only_its_own_pages_are_answered(host: str, origin: str | None, answered: bool) -> None:
    others = frozenset(filter(None, [origin_of(PROXY)]))
    sent = host.replace("PORT", "8000"), origin if origin is None else origin.replace("PORT", "8000")
    assert is_allowed(*sent, 8000, others) == answered


async def _handshake(session: Any, port: int, host: str, origin: str | None) -> int:
    headers = {"Host": host.replace("PORT", str(port))}
    headers |= {"Origin": origin.replace("PORT", str(port))} if origin is not None else {}
    try:
        async with session.ws_connect(f"http://127.0.0.1:{port}/ws", headers=headers):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


def test_the_server_asks_where_a_page_is_from_and_its_page_has_no_address_but_its_own() -> None:
    async def look() -> None:
        await answers(port)
        address = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session:
            assert await _handshake(session, port, "127.0.0.1:PORT", "http://evil.example") == 403
            assert await _handshake(session, port, "evil.example:PORT", None) == 403
            assert await _handshake(session, port, "localhost:9000", "http://localhost:9000") == 101
            assert await _handshake(session, port, "127.0.0.1:PORT", PROXY) == 101
            for path in ("/", "/download/key"):
                async with session.get(address + path, headers={"Host": "evil.example"}) as answer:
                    assert answer.status == 403
            async with session.get(address, headers={"Host": "localhost:9000"}) as answer:
                page = await answer.text()
            loaded = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']([^"']+)""", page)
            assert len(loaded) == 4
            assert not [each for each in loaded if "//" in each or each.startswith("/")]
            assert not re.search(r"wss?://|127\.0\.0\.1", page)
            for path in set(loaded) - {"ws"}:
                async with session.get(f"{address}/{path}") as answer:
                    assert answer.status == 200

    with served("--web-origin", PROXY) as port:
        asyncio.run(look())


def test_what_no_page_sends_ends_the_connection_without_a_traceback(tmp_path: Path) -> None:
    async def look() -> None:
        await answers(port)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session, asyncio.timeout(DEADLINE):
            for sent in ("zork", "{}", "[]", '["resize", 3]', '["stdin", 3]'):
                async with session.ws_connect("/ws") as page:
                    await page.send_str(sent)
                    while (await page.receive()).type != aiohttp.WSMsgType.CLOSE:
                        pass

    with (tmp_path / "printed").open("wb") as printed, served(output=printed) as port:
        asyncio.run(look())
    assert "Traceback" not in (tmp_path / "printed").read_text()


def test_the_picture_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def look() -> None:
        await answers(port)
        seen, key = b"", ""
        async with (
            asyncio.timeout(DEADLINE),
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
            session.ws_connect("/ws?width=120&height=40") as page,
        ):
            while not key:
                message = await page.receive()
                if message.type == aiohttp.WSMsgType.BINARY:
                    was, seen = seen, seen + message.data
                    if b"Start Training" in seen and b"Start Training" not in was:
                        await page.send_json(["stdin", "p"])
                else:
                    kind, key = message.json()
                    assert kind == "deliver_file_start"
            async with session.get(f"/download/{key}") as answer:
                assert answer.headers["Content-Disposition"].startswith("attachment; filename=clipwatch-")
                assert "±0.001" in await answer.text()

    monkeypatch.chdir(tmp_path)
    with served() as port:
        asyncio.run(look())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--web", "--web-origin", "lab.example.org"], "--web-origin 'lab.example.org': write the address of the page"),
        (["--web", "--web-origin", "http://[::1"], "--web-origin 'http://[::1': write the address of the page"),
        (["--web-origin", PROXY], "--web-origin works only with --web"),
    ],
)
def test_an_origin_that_is_none_is_refused(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 2
    assert capsys.readouterr().err.startswith(f"clipwatch: {words}")


@pytest.mark.parametrize("port", ["0", "70000"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    command = [sys.executable, "-m", "clipwatch.tui.cli.main", "--web", port]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"clipwatch: --web {port}: the port must be from 1 to 65535\n"

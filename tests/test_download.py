"""Fetching files from mirrors that misbehave, and publishing them whole or not at all."""

from __future__ import annotations

import gzip
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from mirror import refusing_url, serving
from synthetic import COUNT, VALIDATION, md5, packed_files, put, shrink_kinds, unpacked_files, use_mirrors

from clipwatch.core.data import catalog
from clipwatch.core.data.datasets import Dataset, load
from clipwatch.core.data.request import Limits
from clipwatch.core.errors import BadInput, Cancelled, ClipwatchError
from clipwatch.core.stream.events import AnyEvent, DownloadProgressed, Notice, StageStarted

FAST = Limits(connect=1.0, stall=0.3, rounds=2, pause=0.01, answer=0.4, poll=0.01, chunk=1024)
FAILURES = {
    "403": "answered 403",
    "404": "answered 404",
    "503": "answered 503",
    "stall": "sent nothing for 0.3 s",
    "silent": "sent nothing for 0.3 s",
    "trickle": "sent nothing for 0.3 s",
    "reset": "broke off",
    "broken-off": "broke off",
    "truncated": "wrong checksum",
    "wrong": "wrong checksum",
    "html": "web page",
    "astray": "redirects to something that is not a web address",
}


class Setting:
    """An empty cache, a small MNIST on a mirror, and what was reported of getting it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
        self.monkeypatch = monkeypatch
        self.cache = cache
        self.kind = catalog.KINDS["mnist"]
        self.files = packed_files(self.kind)
        self.events: list[AnyEvent] = []

    def use(self, *mirrors: str) -> None:
        use_mirrors(self.monkeypatch, self.kind.name, self.files, *mirrors)

    def load(
        self,
        name: str = "mnist",
        *,
        data_dir: Path | None = None,
        offline: bool = False,
        cancelled: Callable[[], bool] = lambda: False,
        limits: Limits = FAST,
    ) -> Dataset:
        return load(
            name,
            data_dir=str(data_dir) if data_dir else None,
            offline=offline,
            report=self.events.append,
            cancelled=cancelled,
            limits=limits,
        )

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]

    @property
    def progress(self) -> list[DownloadProgressed]:
        return [event for event in self.events if isinstance(event, DownloadProgressed)]

    def published(self) -> list[str]:
        return sorted(path.name for path in self.cache.rglob("*") if path.is_file() and path.name != ".clipwatch.lock")


WHOLE = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Setting:
    shrink_kinds(monkeypatch)
    monkeypatch.setenv("CLIPWATCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("CLIPWATCH_MIRRORS", "CLIPWATCH_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return Setting(monkeypatch, tmp_path / "cache")


def test_a_download_is_published_and_then_found_in_the_cache(setting: Setting) -> None:
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        first = setting.load()
        assert first.info.origin == f"downloaded from {mirror.url.split('/')[2]}"
        assert setting.published() == WHOLE
        second = setting.load()
    assert second.info.origin == "cache"
    assert second.info.checksum == first.info.checksum
    assert sorted(mirror.requests) == sorted(setting.files)


def test_progress_ends_with_every_byte_of_each_file(setting: Setting) -> None:
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        setting.load()
    for name, content in setting.files.items():
        counts = [event.received for event in setting.progress if event.file == name]
        assert counts[-1] == len(content)
        assert counts == sorted(counts)
        assert all(event.total in (None, len(content)) for event in setting.progress if event.file == name)


@pytest.mark.parametrize("failure", FAILURES)
def test_the_second_mirror_serves_when_the_first_fails(setting: Setting, failure: str) -> None:
    with serving(setting.files, failure) as bad, serving(setting.files) as good:
        setting.use(bad.url, good.url)
        assert setting.load().info.origin == f"downloaded from {good.url.split('/')[2]}"
        # The mirror that served the images is asked first for the labels.
        assert bad.requests == ["train-images-idx3-ubyte.gz"]
    assert setting.published() == WHOLE


def test_the_second_mirror_serves_when_the_first_refuses(setting: Setting) -> None:
    with serving(setting.files) as good:
        setting.use(refusing_url(), good.url)
        setting.load()
    assert setting.published() == WHOLE


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failure_everywhere_is_an_error_that_says_what_each_mirror_did(setting: Setting, failure: str) -> None:
    with serving(setting.files, *[failure] * 9) as mirror:
        setting.use(mirror.url, refusing_url())
        with pytest.raises(ClipwatchError, match=FAILURES[failure]) as caught:
            setting.load()
        assert len(mirror.requests) == FAST.rounds
    assert caught.value.exit_code == 1
    assert "could not be reached" in str(caught.value)
    assert "--data-dir" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert setting.published() == []


def test_a_mirror_that_recovers_serves_in_the_next_round(setting: Setting) -> None:
    with serving(setting.files, "503", "ok", "reset") as mirror:
        setting.use(mirror.url)
        setting.load()
    assert len(mirror.requests) == 4


def test_a_file_labelled_as_an_encoding_is_taken_as_sent(setting: Setting) -> None:
    with serving(setting.files, "encoded", "encoded") as mirror:
        setting.use(mirror.url)
        setting.load()
    assert len(mirror.requests) == 2


def test_a_password_in_an_address_is_not_shown(setting: Setting) -> None:
    setting.use(refusing_url().replace("http://", "http://me:secret@"))
    with pytest.raises(ClipwatchError) as caught:
        setting.load()
    assert "secret" not in str(caught.value)


def test_mirrors_can_be_replaced_by_the_environment(setting: Setting) -> None:
    with serving(setting.files) as mirror:
        setting.use("http://127.0.0.1:9/never")
        setting.monkeypatch.setenv("CLIPWATCH_MIRRORS", f" {mirror.url}/{{dataset}}/ , ,")
        setting.load()
    assert setting.published() == WHOLE


def test_a_download_goes_into_the_data_dir_if_there_is_one(setting: Setting, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        setting.load(data_dir=tmp_path / "given")
    assert sorted(path.name for path in (tmp_path / "given/MNIST/raw").iterdir()) == WHOLE
    assert setting.published() == []
    assert setting.load(data_dir=tmp_path / "given", offline=True).info.origin == f"files in {tmp_path / 'given'}"


def test_other_files_in_the_data_dir_stay(setting: Setting, tmp_path: Path) -> None:
    put(tmp_path / "given/MNIST/raw", {"t10k-labels-idx1-ubyte": b"mine"})
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        setting.load(data_dir=tmp_path / "given")
    assert (tmp_path / "given/MNIST/raw/t10k-labels-idx1-ubyte").read_bytes() == b"mine"


def test_a_data_dir_that_cannot_be_written_is_bad_input(setting: Setting, tmp_path: Path) -> None:
    put(tmp_path / "given", {"MNIST": b"a file where a folder must go"})
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        with pytest.raises(BadInput, match="cannot write to"):
            setting.load(data_dir=tmp_path / "given")


def test_a_cache_that_cannot_be_written_is_a_fault(setting: Setting) -> None:
    setting.cache.write_bytes(b"a file where a folder must go")
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        with pytest.raises(ClipwatchError, match="cannot write to") as caught:
            setting.load()
        assert caught.value.exit_code == 1
        assert setting.load("auto").info.name == "digits"


# In the last two all is as the format wants it, but the content is another, or only the packing.
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "flipped": lambda packed: packed[:500] + bytes([packed[500] ^ 1]) + packed[501:],
    "truncated": lambda packed: packed[:-1],
    "empty": lambda packed: b"",
    "tampered": lambda packed: gzip.compress(gzip.decompress(packed)[:-1] + b"x"),
    "packed anew": lambda packed: gzip.compress(gzip.decompress(packed), compresslevel=1),
}


@pytest.mark.parametrize("damage", ["missing", *DAMAGE])
def test_a_damaged_cache_is_fetched_again(setting: Setting, damage: str) -> None:
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        checksum = setting.load().info.checksum
        damage_published(setting.cache / "MNIST/raw", damage)
        again = setting.load()
    assert again.info.checksum == checksum
    assert again.info.origin.startswith("downloaded")
    assert len(mirror.requests) == 4
    assert len(setting.notices) == (0 if damage == "missing" else 1)
    assert setting.load(offline=True).info.checksum == checksum


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_an_error_offline(setting: Setting, damage: str) -> None:
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        setting.load()
    damage_published(setting.cache / "MNIST/raw", damage)
    with pytest.raises(ClipwatchError, match=r"damaged.*without --offline"):
        setting.load(offline=True)
    assert setting.load("auto", offline=True).info.name == "digits"
    assert "damaged" in setting.notices[-1]


def damage_published(raw: Path, how: str) -> None:
    images = raw / "train-images-idx3-ubyte.gz"
    if how == "missing":
        images.unlink()
    else:
        images.write_bytes(DAMAGE[how](images.read_bytes()))


def test_a_cache_of_an_earlier_version_is_left_alone_and_the_files_are_fetched_anew(setting: Setting) -> None:
    earlier = {**unpacked_files(setting.kind), "clipwatch.json": b'{"sha256": {}, "source": ""}'}
    put(setting.cache / "MNIST/raw", earlier)
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        assert setting.load().info.origin.startswith("downloaded")
    assert setting.published() == sorted([*earlier, *WHOLE])
    assert setting.load(offline=True).info.origin == "cache"


def test_a_data_dir_into_which_an_earlier_version_downloaded_is_used(setting: Setting, tmp_path: Path) -> None:
    put(tmp_path / "given/MNIST/raw", {**unpacked_files(setting.kind), "clipwatch.json": b"{"})
    assert setting.load(data_dir=tmp_path / "given", offline=True).info.name == "mnist"


def test_downloaded_files_can_be_read_by_others(setting: Setting) -> None:
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        setting.load()
    for path in setting.cache.rglob("*.gz"):
        assert path.stat().st_mode & stat.S_IROTH
        assert path.parent.stat().st_mode & stat.S_IXOTH


def test_what_a_killed_download_left_is_cleared_away(setting: Setting) -> None:
    put(setting.cache / "MNIST/.clipwatch-staging-old", {"train-images-idx3-ubyte.gz": b"half"})
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        setting.load()
    assert setting.published() == WHOLE


@pytest.mark.parametrize("word", ["stall", "silent", "trickle"])
def test_cancelling_a_stuck_download_is_prompt_and_publishes_nothing(setting: Setting, word: str) -> None:
    patient = Limits(stall=30.0, pause=0.01, poll=0.01)
    stop = threading.Event()
    with serving(setting.files, word) as mirror:
        setting.use(mirror.url)
        watcher = threading.Thread(target=lambda: (until(lambda: bool(mirror.requests)), stop.set()))
        watcher.start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            setting.load(cancelled=stop.is_set, limits=patient)
        assert time.monotonic() - began < 5
        watcher.join()
    assert setting.published() == []


def test_cancelling_between_rounds_is_prompt(setting: Setting) -> None:
    stop = threading.Event()
    with serving(setting.files, "503") as mirror:
        setting.use(mirror.url)
        slow = Limits(pause=30.0, poll=0.01)
        watcher = threading.Thread(target=lambda: (until(lambda: bool(mirror.requests)), stop.set()))
        watcher.start()
        with pytest.raises(Cancelled):
            setting.load(cancelled=stop.is_set, limits=slow)
        watcher.join()


def test_two_at_once_share_one_download(setting: Setting) -> None:
    loaded: list[Dataset] = []
    with serving(setting.files, "stall") as mirror:
        setting.use(mirror.url)
        patient = Limits(stall=30.0, pause=0.01, poll=0.01)
        threads = [threading.Thread(target=lambda: loaded.append(setting.load(limits=patient))) for _ in range(2)]
        for thread in threads:
            thread.start()
        # The one that waits says so; only then does the other's download go on, and fail, and is tried again.
        until(lambda: any("waiting for another" in notice for notice in setting.notices))
        mirror.resume.set()
        for thread in threads:
            thread.join()
        assert mirror.requests == ["train-images-idx3-ubyte.gz", *setting.files]
    assert sorted(dataset.info.origin.split()[0] for dataset in loaded) == ["cache", "downloaded"]
    assert loaded[0].info.checksum == loaded[1].info.checksum


ANOTHER_PROCESS = """
from dataclasses import replace
from clipwatch.core.data import catalog
from clipwatch.core.data.datasets import load
catalog.KINDS["mnist"] = replace(
    catalog.KINDS["mnist"], count={count}, validation={validation}, checksum=None, md5={md5}
)
tell = lambda event: print(event, flush=True)
print(load("mnist", data_dir=None, offline=False, report=tell).info.origin)
"""


def test_another_process_shares_a_download(setting: Setting) -> None:
    with serving(setting.files, "stall") as mirror:
        setting.use(mirror.url)
        patient = Limits(stall=30.0, pause=0.01, poll=0.01)
        here = threading.Thread(target=lambda: setting.load(limits=patient))
        here.start()
        until(lambda: bool(mirror.requests))
        code = ANOTHER_PROCESS.format(
            count=COUNT,
            validation=VALIDATION,
            md5=tuple(map(md5, setting.files.values())),
        )
        with subprocess.Popen(
            [sys.executable, "-c", code],
            env=os.environ | {"CLIPWATCH_MIRRORS": mirror.url},
            stdout=subprocess.PIPE,
            text=True,
        ) as other:
            assert other.stdout is not None
            assert any("waiting for another" in line for line in other.stdout)
            mirror.resume.set()
            assert other.stdout.read().splitlines() == ["cache"]
        here.join()
        assert mirror.requests == ["train-images-idx3-ubyte.gz", *setting.files]


def test_cancelling_while_another_downloads_is_prompt(setting: Setting) -> None:
    stop = threading.Event()
    patient = Limits(stall=30.0, pause=0.01, poll=0.01)
    with serving(setting.files, "stall") as mirror:
        setting.use(mirror.url)
        first = threading.Thread(target=lambda: setting.load(limits=patient))
        first.start()
        until(lambda: bool(mirror.requests))
        watcher = threading.Thread(target=lambda: (until(lambda: bool(setting.notices)), stop.set()))
        watcher.start()
        with pytest.raises(Cancelled):
            setting.load(cancelled=stop.is_set, limits=patient)
        mirror.resume.set()
        first.join()
        watcher.join()
    assert setting.published() == WHOLE


def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something another thread does; fail if it does not."""
    deadline = time.monotonic() + seconds
    tick = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        tick.wait(0.005)


def test_auto_takes_mnist_from_the_mirror_that_answers(setting: Setting) -> None:
    with serving(setting.files, *["silent"] * 3) as silent, serving(setting.files) as good:
        setting.use(silent.url, good.url)
        assert setting.load("auto").info.name == "mnist"
        assert len(silent.requests) == 1
    assert setting.notices == []


@pytest.mark.parametrize("word", ["403", "silent", "html"])
def test_auto_takes_the_digits_when_no_mirror_answers(setting: Setting, word: str) -> None:
    with serving(setting.files, *[word] * 9) as mirror:
        setting.use(mirror.url, refusing_url())
        dataset = setting.load("auto")
    assert dataset.info.name == "digits"
    assert len(setting.notices) == 1
    assert "no mirror answered" in setting.notices[0]
    assert "digits" in setting.notices[0]
    assert StageStarted(stage="looking for mnist at a mirror, 0.4 s at most") in setting.events


def refusing_proxy() -> str:
    return refusing_url().replace("http://", "http://me:secret@").removesuffix("/data")


# What is asked, under which environment, and what is told of it.
CAUSES = {
    "nobody listens": (refusing_url, {}, "could not be reached: connection refused"),
    "no such host": (lambda: "http://me:secret@no.such.host/data", {}, "no.such.host could not be reached: its name"),
    "certificates": (
        lambda: "https://me:secret@127.0.0.1:9/data",
        {"REQUESTS_CA_BUNDLE": "/nonexistent.pem"},
        "127.0.0.1:9 could not be requested: Could not find .* certificate bundle, invalid path: /nonexistent.pem",
    ),
    "proxy": (
        lambda: "http://mirror.example/data",
        {"HTTP_PROXY": "proxy"},
        "mirror.example could not be reached through the proxy .*: connection refused",
    ),
    "malformed proxy": (lambda: "http://mirror.example/data", {"HTTP_PROXY": "http://[::1"}, "proxy's address"),
    "proxy of another kind": (lambda: "http://mirror.example/data", {"HTTP_PROXY": "gopher://x"}, "proxy's address"),
    "SOCKS": (lambda: "http://mirror.example/data", {"ALL_PROXY": "socks5://127.0.0.1:9"}, "pip install pysocks"),
    "file": (lambda: "file:///srv/mnist", {}, "file:///srv/mnist/.* is not a web address"),
    "path": (lambda: "/srv/mnist", {}, "/srv/mnist/.* is not a web address"),
    "other scheme": (lambda: "ftp://me:secret@host/mnist", {}, "host is not a web address"),
    "no scheme": (lambda: "me:secret@host/mnist", {}, "host/mnist/.* is not a web address"),
    "no host": (lambda: "http:///mnist", {}, "is not a web address"),
    "bad name": (lambda: "http://a..b/mnist", {}, "a..b is not a web address"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_cause_is_told_in_words_and_without_a_password(setting: Setting, cause: str) -> None:
    address, environment, words = CAUSES[cause]
    if cause == "SOCKS":
        setting.monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", without_socks)
    if cause == "no such host":
        setting.monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    for name, value in environment.items():
        setting.monkeypatch.setenv(name, refusing_proxy() if value == "proxy" else value)
    setting.use(address())
    began = time.monotonic()
    assert setting.load("auto").info.name == "digits"
    assert time.monotonic() - began < FAST.answer + 1
    (notice,) = setting.notices
    with pytest.raises(ClipwatchError, match=words) as caught:
        setting.load()
    assert caught.value.exit_code == 1
    for told in (notice, str(caught.value)):
        assert re.search(words, told)
        assert "secret" not in told
        assert "within" not in told
        assert "\n" not in told


def without_socks(*_: object, **__: object) -> None:
    raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")


def no_such_host(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_server_without_tls_is_told_as_that(setting: Setting) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        thread = threading.Thread(target=answer_plainly, args=(plain,))
        thread.start()
        setting.use(f"https://127.0.0.1:{plain.getsockname()[1]}/data")
        assert setting.load("auto").info.name == "digits"
        thread.join()
    assert "could not be reached by TLS" in setting.notices[0]


def answer_plainly(listener: socket.socket) -> None:
    client, _ = listener.accept()
    with client:
        client.recv(4096)
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")


@pytest.mark.parametrize("address", ["http://[::1/x", "http://host:port/x", "http://me:secret@host:99999/x"])
@pytest.mark.parametrize("name", ["auto", "mnist"])
def test_an_address_that_is_none_is_bad_input(setting: Setting, name: str, address: str) -> None:
    setting.use("http://127.0.0.1:9/never")
    setting.monkeypatch.setenv("CLIPWATCH_MIRRORS", address)
    with pytest.raises(BadInput, match=r"CLIPWATCH_MIRRORS: .* is not a web address") as caught:
        setting.load(name)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [OSError("raw"), ValueError("raw"), RuntimeError("raw"), NotImplementedError("raw"), UnicodeError("raw")]
)
def test_whatever_fails_leaves_auto_the_digits(setting: Setting, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    setting.use("http://127.0.0.1:9/never")
    for place in ("clipwatch.core.data.download.first_to_answer", "clipwatch.core.data.cache.downloaded_files"):
        setting.monkeypatch.setattr(place, fail)
        assert setting.load("auto").info.name == "digits"
        assert "raw" in setting.notices[-1]


def test_nothing_is_fetched_silently_beside_what_a_data_dir_holds(setting: Setting, tmp_path: Path) -> None:
    put(tmp_path / "given", {"mnist.npz": b"PK"})
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        setting.load(data_dir=tmp_path / "given")
        (notice,) = setting.notices
        assert "train-images-idx3-ubyte and train-labels-idx1-ubyte" in notice
        assert notice.endswith("found mnist.npz; downloading it from a mirror")
        put(tmp_path / "again", {"mnist.npz": b"PK"})
        setting.load()
        setting.load(data_dir=tmp_path / "again")
    assert setting.notices[-1].endswith("found mnist.npz; using the cache")


def test_auto_takes_the_digits_when_the_download_fails_after_all(setting: Setting) -> None:
    with serving(setting.files, "ok", *["truncated"] * 9) as mirror:
        setting.use(mirror.url)
        assert setting.load("auto").info.name == "digits"
    assert "wrong checksum" in setting.notices[0]


def test_cancelling_while_auto_looks_for_a_mirror(setting: Setting) -> None:
    with serving(setting.files, "silent") as mirror:
        setting.use(mirror.url)
        with pytest.raises(Cancelled):
            setting.load("auto", cancelled=lambda: bool(mirror.requests), limits=Limits(answer=30.0, poll=0.01))


def test_bad_content_with_a_good_checksum_is_not_trained_on(setting: Setting) -> None:
    labels = setting.kind.labels
    content = unpacked_files(setting.kind)[labels]
    setting.files[f"{labels}.gz"] = gzip.compress(content[:-1] + b"\x0b")
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        with pytest.raises(ClipwatchError, match="not 0 to 9") as caught:
            setting.load()
    assert caught.value.exit_code == 1


def test_a_mirror_that_sends_too_much_is_given_up(setting: Setting) -> None:
    with serving(setting.files) as mirror:
        setting.use(mirror.url)
        with pytest.raises(ClipwatchError, match="sent more than 100 bytes"):
            setting.load(limits=replace(FAST, size=100, rounds=1))
    assert setting.published() == []


@pytest.mark.parametrize("length", ["-5", str(10**17), "many"])
def test_a_size_that_no_file_has_is_not_believed(setting: Setting, length: str) -> None:
    with serving(setting.files, f"stall:{length}") as mirror:
        setting.use(mirror.url)
        setting.load()
    assert DownloadProgressed(file="train-images-idx3-ubyte.gz", received=0, total=None) in setting.progress
    assert {event.total for event in setting.progress} <= {None, *map(len, setting.files.values())}

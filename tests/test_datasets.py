"""Finding, checking and choosing data: the folder given, the cache, the digits, and never the network offline."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import platformdirs
import pytest
from mirror import serving
from synthetic import COUNT, VALIDATION, md5, packed_files, put, shrink_kinds, unpacked_files, use_mirrors

from clipwatch.core.data import catalog, digits
from clipwatch.core.data.datasets import Dataset, load
from clipwatch.core.data.mirrors import find_mirrors
from clipwatch.core.data.request import Limits, Request
from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.stream.events import AnyEvent, Notice, StageStarted

IDX_KINDS = ("mnist", "fashion-mnist", "kmnist", "qmnist")
REAL = os.environ.get("CLIPWATCH_TEST_MNIST")
needs_mnist = pytest.mark.skipif(not REAL, reason="CLIPWATCH_TEST_MNIST names no folder with the four MNIST files")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLIPWATCH_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("CLIPWATCH_MIRRORS", "CLIPWATCH_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_kinds(monkeypatch)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the network was asked")  # which no "except Exception" catches

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def loaded(name: str, data_dir: Path | None = None, events: list[AnyEvent] | None = None) -> Dataset:
    """The data set, offline."""
    report = [].append if events is None else events.append
    return load(name, data_dir=str(data_dir) if data_dir else None, offline=True, report=report)


# The embedded digits


def test_digits_are_split_300_to_1497() -> None:
    dataset = loaded("digits")
    assert (dataset.info.validation, dataset.info.training) == (300, 1497)
    assert dataset.validation.images.shape == (300, 28, 28)
    assert dataset.training.images.shape == (1497, 28, 28)
    assert dataset.training.images.dtype == np.uint8
    assert dataset.training.labels.dtype == np.int64
    assert "Alpaydin & Kaynak" in dataset.info.origin


def test_digits_are_the_same_everywhere() -> None:
    assert loaded("digits").info.checksum == "baaaf5831aa7ff3a851612c91a1fcab5d5a1fd661baf778f4e20eb61d5d3dc10"


def test_digits_use_the_whole_range_and_every_class_in_both_splits() -> None:
    dataset = loaded("digits")
    assert (dataset.training.images.min(), dataset.training.images.max()) == (0, 255)
    for split in (dataset.training, dataset.validation):
        shares = np.bincount(split.labels, minlength=10) / len(split.labels)
        assert shares.min() > 0.06
        assert shares.max() < 0.14


def test_enlarging_keeps_constants_and_symmetry() -> None:
    flat = digits.enlarge(np.full((1, 8, 8), 16, np.uint8))
    assert (flat == 255).all()
    random = np.random.default_rng(0).integers(0, 17, (5, 8, 8), dtype=np.uint8)
    np.testing.assert_array_equal(digits.enlarge(random[:, ::-1, :]), digits.enlarge(random)[:, ::-1, :])
    np.testing.assert_array_equal(digits.enlarge(random.mT), digits.enlarge(random).mT)


def test_enlarging_interpolates_between_pixel_centres() -> None:
    ramp = np.broadcast_to(np.arange(8, dtype=np.uint8) * 2, (1, 8, 8))
    centres = np.clip((np.arange(28) + 0.5) * 8 / 28 - 0.5, 0, 7) * 2 * 255 / 16
    np.testing.assert_allclose(digits.enlarge(ramp)[0, 0], centres, atol=0.5)


# Files in a folder given


@pytest.mark.parametrize("name", IDX_KINDS)
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.usefixtures("small", "no_network")
def test_files_are_found_in_either_layout_packed_or_not(name: str, packed: bool, direct: bool, tmp_path: Path) -> None:
    kind = catalog.KINDS[name]
    put(
        tmp_path / "given" / ("" if direct else f"{kind.folder}/raw"),
        packed_files(kind) if packed else unpacked_files(kind),
    )
    dataset = loaded(name, tmp_path / "given")
    content = unpacked_files(kind)
    images = np.frombuffer(content[kind.images], np.uint8, offset=16).reshape(-1, 28, 28)
    np.testing.assert_array_equal(dataset.validation.images, images[:VALIDATION])
    np.testing.assert_array_equal(dataset.training.images, images[VALIDATION:])
    labels = (
        np.frombuffer(content[kind.labels], ">i4", offset=12).reshape(-1, 8)[:, 0]
        if name == "qmnist"
        else np.frombuffer(content[kind.labels], np.uint8, offset=8)
    )
    np.testing.assert_array_equal(np.concatenate([dataset.validation.labels, dataset.training.labels]), labels)
    assert dataset.training.labels.dtype == np.int64
    assert dataset.info.name == name
    assert dataset.info.origin == f"files in {tmp_path / 'given'}"
    assert (dataset.info.training, dataset.info.validation) == (COUNT - VALIDATION, VALIDATION)


# Files as people have them: where a data set's files lie, below the folder given, and as what.
PLACES = {
    "dots": ("kmnist", {"train-images.idx3-ubyte": "images", "train-labels.idx1-ubyte": "labels"}),
    "dots, packed": ("kmnist", {"train-images.idx3-ubyte.gz": "images.gz", "train-labels.idx1-ubyte.gz": "labels.gz"}),
    "capitals": ("kmnist", {"Train-Images-idx3-ubyte": "images", "TRAIN-LABELS-IDX1-UBYTE.GZ": "labels.gz"}),
    "unpacked by a browser": (
        "kmnist",
        {"train-images-idx3-ubyte.gz": "images", "train-labels-idx1-ubyte.gz": "labels"},
    ),
    "packed without the ending": (
        "kmnist",
        {"train-images-idx3-ubyte": "images.gz", "train-labels-idx1-ubyte": "labels.gz"},
    ),
    "folders named as the files": (
        "kmnist",
        {
            "train-images-idx3-ubyte/train-images-idx3-ubyte": "images",
            "train-labels.idx1-ubyte/train-labels-idx1-ubyte.gz": "labels.gz",
        },
    ),
    "without raw": ("kmnist", {"KMNIST": "both"}),
    "other case": ("kmnist", {"kmnist/Raw": "both"}),
    "the parent": ("kmnist", {"data/KMNIST/raw": "both", "data/MNIST/raw": "others"}),
    "beside another": ("kmnist", {"KMNIST/raw": "both", "FashionMNIST/raw": "others", "MNIST": "others"}),
    "Fashion-MNIST": ("fashion-mnist", {"Fashion-MNIST": "both"}),
    "fashion-mnist": ("fashion-mnist", {"fashion-mnist/raw": "both"}),
    "fashion": ("fashion-mnist", {"data/fashion": "both", "data/mnist": "others"}),
    "fashion_mnist": ("fashion-mnist", {"fashion_mnist": "both"}),
    "QMNIST": ("qmnist", {"qmnist": "both"}),
}


def put_as(home: Path, name: str, places: dict[str, str]) -> None:
    """Lay files out as one of PLACES says."""
    kind = catalog.KINDS[name]
    content, packed = unpacked_files(kind), packed_files(kind)
    for place, what in places.items():
        if what in ("both", "others"):
            put(home / place, packed if what == "both" else packed_files(kind, seed=1))
            continue
        file = kind.images if "images" in what else kind.labels
        put((home / place).parent, {Path(place).name: packed[f"{file}.gz"] if what.endswith("gz") else content[file]})


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.usefixtures("small", "no_network")
def test_files_are_found_as_people_have_them(place: str, tmp_path: Path) -> None:
    name, places = PLACES[place]
    put_as(tmp_path / "given", name, places)
    put(tmp_path / "plain", packed_files(catalog.KINDS[name]))
    assert loaded(name, tmp_path / "given").info.checksum == loaded(name, tmp_path / "plain").info.checksum


@pytest.mark.usefixtures("no_network")
def test_a_folder_that_leads_into_itself_is_looked_through_once(tmp_path: Path) -> None:
    (tmp_path / "KMNIST").symlink_to(".")
    (tmp_path / "raw").symlink_to(".")
    with pytest.raises(BadInput, match="holds no kmnist") as raised:
        loaded("kmnist", tmp_path)
    assert len(str(raised.value)) < 1000


@pytest.mark.parametrize("given", ["t/KMNIST", "t/KMNIST/raw", "t", "."])
@pytest.mark.usefixtures("small", "no_network")
def test_a_folder_too_deep_or_too_high_is_as_good(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "t/KMNIST/raw", packed_files(catalog.KINDS["kmnist"]))
    monkeypatch.chdir(tmp_path)
    assert loaded("kmnist", Path(given)).info.name == "kmnist"


@pytest.mark.parametrize("given", ["t/MNIST", "t"])
@pytest.mark.usefixtures("small", "no_network")
def test_files_of_a_folder_named_after_another_are_not_taken(given: str, tmp_path: Path) -> None:
    put(tmp_path / "t/MNIST/raw", packed_files(catalog.KINDS["mnist"]))
    with pytest.raises(BadInput, match=r"holds no kmnist: .*found (raw/train-\S+, raw/train-\S+|MNIST); offline"):
        loaded("kmnist", tmp_path / given)


OTHERS = {
    "npz": ({"mnist.npz": b"PK"}, "found mnist.npz"),
    "csv": ({"mnist_train.csv": b"5,0", "mnist_test.csv": b"7,0"}, "found mnist_test.csv, mnist_train.csv"),
    "many": ({f"{n}.png": b"" for n in range(8)}, "found 0.png, 1.png, 2.png, 3.png, 4.png and 3 more"),
    "test files": ({"t10k-images-idx3-ubyte": b"", "t10k-labels-idx1-ubyte": b""}, "found t10k-images-idx3-ubyte"),
    "a name that is no text": ({"\udcd4.npz": b""}, r"found \\xd4\.npz"),
    "nothing": ({}, "found nothing"),
    "in its own folder": ({"{folder}/raw/all.npz": b""}, r"found \w+/raw/all.npz"),
}


@pytest.mark.parametrize("name", IDX_KINDS)
@pytest.mark.parametrize("others", OTHERS)
@pytest.mark.usefixtures("small", "no_network")
def test_what_is_wanted_and_what_is_there_is_told(name: str, others: str, tmp_path: Path) -> None:
    files, there = OTHERS[others]
    kind = catalog.KINDS[name]
    (tmp_path / "given").mkdir()
    for file, content in files.items():
        path = tmp_path / "given" / file.format(folder=kind.folder)
        put(path.parent, {path.name: content})
    with pytest.raises(BadInput, match=there) as caught:
        loaded(name, tmp_path / "given")
    for wanted in (kind.images, kind.labels, kind.page, "--dataset digits"):
        assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("small", "no_network")
def test_auto_tells_it_too(tmp_path: Path) -> None:
    put(tmp_path / "given", {"mnist.npz": b"PK"})
    events: list[AnyEvent] = []
    assert loaded("auto", tmp_path / "given", events).info.name == "digits"
    assert "found mnist.npz" in "".join(event.text for event in events if isinstance(event, Notice))


@pytest.mark.usefixtures("small", "no_network")
def test_files_in_a_folder_of_another_name_are_pointed_at(tmp_path: Path) -> None:
    put(tmp_path / "given/my stuff", packed_files(catalog.KINDS["kmnist"]))
    with pytest.raises(BadInput, match=r"give --data-dir .*/given/my stuff"):
        loaded("kmnist", tmp_path / "given")
    assert loaded("kmnist", tmp_path / "given/my stuff").info.name == "kmnist"


@pytest.mark.usefixtures("small", "no_network")
def test_a_folder_given_does_without_the_cache(tmp_path: Path) -> None:
    (tmp_path / "cache").symlink_to("cache")
    put(tmp_path / "given", packed_files(catalog.KINDS["kmnist"]))
    assert loaded("kmnist", tmp_path / "given").info.name == "kmnist"
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="found nothing"):
        loaded("kmnist", tmp_path / "empty")


@pytest.mark.usefixtures("no_network")
def test_a_cache_that_cannot_be_read_leaves_auto_the_digits(tmp_path: Path) -> None:
    (tmp_path / "cache").symlink_to("cache")
    events: list[AnyEvent] = []
    assert loaded("auto", events=events).info.name == "digits"
    assert f"cannot read {tmp_path / 'cache'}" in "".join(e.text for e in events if isinstance(e, Notice))
    with pytest.raises(ClipwatchError, match="CLIPWATCH_CACHE_DIR"):
        loaded("mnist")


@pytest.mark.parametrize("name", ["auto", "mnist"])
@pytest.mark.usefixtures("small")
def test_a_folder_whose_name_is_no_text_can_be_told_of(name: str, tmp_path: Path) -> None:
    home = tmp_path / os.fsdecode(b"\xd4\xcb")
    put(home, {"train-images-idx3-ubyte": b"damaged", "train-labels-idx1-ubyte": b""})
    with pytest.raises(BadInput, match="is the wrong file") as caught:
        loaded(name, home)
    assert r"\xd4\xcb" in str(caught.value).encode().decode()


@pytest.mark.usefixtures("no_network")
def test_without_a_home_auto_takes_the_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLIPWATCH_CACHE_DIR")
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: Path("~/.cache/clipwatch"))
    assert loaded("auto").info.name == "digits"
    with pytest.raises(BadInput, match="CLIPWATCH_CACHE_DIR"):
        loaded("mnist")


@pytest.mark.usefixtures("small")
def test_the_checksum_tells_contents_apart(tmp_path: Path) -> None:
    kind = catalog.KINDS["mnist"]
    put(tmp_path / "a", packed_files(kind))
    put(tmp_path / "b", unpacked_files(kind))
    put(tmp_path / "c", unpacked_files(kind, seed=1))
    a, b, c = (loaded("mnist", tmp_path / folder).info.checksum for folder in "abc")
    assert a == b != c


@pytest.mark.usefixtures("small")
def test_arrays_are_writable_and_contiguous_so_that_torch_takes_them_without_a_copy(tmp_path: Path) -> None:
    for name in ("mnist", "qmnist"):
        put(tmp_path, packed_files(catalog.KINDS[name]))
        training = loaded(name, tmp_path).training
        for array in (training.images, training.labels):
            assert array.flags.writeable
            assert array.flags.c_contiguous


DAMAGE = {
    "empty": (lambda c: b"", "wrong file"),
    "html": (lambda c: b"<html>".ljust(len(c)), "wrong file"),
    "cut off": (lambda c: c[:-1], "cut off"),
    "too long": (lambda c: c + b"\0", "longer"),
    "fewer images": (lambda c: c[:4] + b"\0\0\0\1" + c[8:], "it holds 1 by"),
    "labels for images": (lambda c: b"\0\0\x08\1" + c[4:], "not the idx format"),
}


@pytest.mark.parametrize("name", ["mnist", "auto"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.usefixtures("small")
def test_a_damaged_file_is_an_error_that_names_it(name: str, packed: bool, damage: str, tmp_path: Path) -> None:
    change, message = DAMAGE[damage]
    kind = catalog.KINDS["mnist"]
    files = unpacked_files(kind)
    files[kind.images] = change(files[kind.images])
    if packed:
        files = {f"{file}.gz": gzip.compress(content) for file, content in files.items()}
    put(tmp_path / "given", files)
    with pytest.raises(BadInput, match=message) as caught:
        loaded(name, tmp_path / "given")
    assert "train-images-idx3-ubyte" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c[: len(c) // 2],
        lambda c: c[:-8] + bytes(4) + c[-4:],
        lambda c: c[:-1],
        lambda c: c[:500] + bytes([c[500] ^ 255]) + c[501:],
        lambda c: c + b"more",
    ],
    ids=["half", "checksum", "one byte less", "flipped byte", "trailing bytes"],
)
@pytest.mark.usefixtures("small")
def test_a_damaged_gzip_file_is_an_error_that_names_it(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    kind = catalog.KINDS["mnist"]
    files = packed_files(kind)
    files["train-images-idx3-ubyte.gz"] = change(files["train-images-idx3-ubyte.gz"])
    put(tmp_path / "given", files)
    with pytest.raises(BadInput, match=r"train-images-idx3-ubyte\.gz is damaged"):
        loaded("mnist", tmp_path / "given")
    assert (tmp_path / "given/train-images-idx3-ubyte.gz").read_bytes() == files["train-images-idx3-ubyte.gz"]


@pytest.mark.usefixtures("small")
def test_a_label_above_9_is_an_error(tmp_path: Path) -> None:
    kind = catalog.KINDS["kmnist"]
    files = unpacked_files(kind)
    files[kind.labels] = files[kind.labels][:-1] + b"\x0a"
    put(tmp_path / "given", files)
    with pytest.raises(BadInput, match=r"train-labels.*not 0 to 9"):
        loaded("kmnist", tmp_path / "given")


@pytest.mark.usefixtures("small")
def test_one_file_without_the_other_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "given", {"train-labels-idx1-ubyte.gz": b""})
    with pytest.raises(BadInput, match="without train-images-idx3-ubyte"):
        loaded("mnist", tmp_path / "given")


def test_content_that_is_not_mnist_is_refused_as_mnist(tmp_path: Path) -> None:
    put(tmp_path / "given", unpacked_files(catalog.MNIST))
    with pytest.raises(BadInput, match=r"train-images-idx3-ubyte or train-labels-.*the checksum is not that of mnist"):
        loaded("mnist", tmp_path / "given")


@pytest.mark.usefixtures("small")
def test_mnist_is_refused_under_another_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = unpacked_files(catalog.KINDS["mnist"])
    put(tmp_path / "given", files)
    known = replace(catalog.KINDS["mnist"], checksum=loaded("mnist", tmp_path / "given").info.checksum)
    monkeypatch.setitem(catalog.KINDS, "mnist", known)
    with pytest.raises(BadInput, match="it holds mnist, not kmnist"):
        loaded("kmnist", tmp_path / "given")


@pytest.mark.parametrize("name", ["auto", "mnist", "digits"])
def test_a_data_dir_that_does_not_exist_is_bad_input(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        loaded(name, tmp_path / "nowhere")


def test_a_data_dir_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    put(tmp_path, {"file": b""})
    with pytest.raises(BadInput, match="not a folder"):
        loaded("mnist", tmp_path / "file")


# Offline


@pytest.mark.parametrize("name", IDX_KINDS)
@pytest.mark.usefixtures("no_network")
def test_offline_without_the_files_is_bad_input(name: str) -> None:
    with pytest.raises(BadInput, match=f"{name} is not on this machine"):
        loaded(name)


@pytest.mark.usefixtures("no_network")
def test_offline_auto_takes_the_digits_and_says_why() -> None:
    events: list[AnyEvent] = []
    assert loaded("auto", events=events).info.name == "digits"
    notices = [event for event in events if isinstance(event, Notice)]
    assert [notice.level for notice in notices] == ["warning"]
    assert "offline" in notices[0].text
    assert "digits" in notices[0].text


@pytest.mark.usefixtures("small", "no_network")
def test_auto_takes_mnist_from_the_folder_given_without_a_word(tmp_path: Path) -> None:
    put(tmp_path / "given", packed_files(catalog.KINDS["mnist"]))
    events: list[AnyEvent] = []
    assert loaded("auto", tmp_path / "given", events).info.name == "mnist"
    assert events == []


@pytest.mark.usefixtures("small", "no_network")
def test_files_in_the_cache_that_were_not_downloaded_do_not_count(tmp_path: Path) -> None:
    put(tmp_path / "cache/MNIST/raw", unpacked_files(catalog.KINDS["mnist"]))
    with pytest.raises(BadInput, match="not on this machine"):
        loaded("mnist")


# torchvision


@pytest.fixture(params=[ImportError("no torchvision"), RuntimeError("operator torchvision::nms does not exist")])
def broken_torchvision(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Exception:
    """What every import of torchvision raises."""

    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name.partition(".")[0] == "torchvision":
                raise request.param

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    return request.param


@pytest.mark.usefixtures("no_network")
def test_a_torchvision_that_cannot_be_imported(broken_torchvision: Exception) -> None:
    events: list[AnyEvent] = []
    advice = f"{broken_torchvision}.*pip install --upgrade --force-reinstall torch torchvision"
    with pytest.raises(ClipwatchError, match=advice):
        load("mnist", data_dir=None, offline=False, report=events.append)
    assert load("auto", data_dir=None, offline=False, report=events.append).info.name == "digits"
    assert "pip install" in next(event.text for event in events if isinstance(event, Notice))


@pytest.mark.usefixtures("small", "broken_torchvision")
def test_mirrors_that_the_user_names_need_no_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = catalog.KINDS["mnist"]
    files = packed_files(kind)
    images, labels = map(md5, files.values())
    monkeypatch.setitem(catalog.KINDS, "mnist", replace(kind, md5=(images, labels)))
    with serving(files) as mirror:
        monkeypatch.setenv("CLIPWATCH_MIRRORS", mirror.url)
        fetched = load("mnist", data_dir=None, offline=False, report=[].append)
    assert fetched.info.origin.startswith("downloaded from")


@pytest.mark.parametrize("kind", catalog.KINDS.values(), ids=catalog.KINDS)
def test_mirrors_and_checksums_are_those_of_torchvision(kind: catalog.Kind) -> None:
    from torchvision import datasets

    known = getattr(datasets, kind.folder)
    events: list[AnyEvent] = []
    request = Request(data_dir=None, offline=False, report=events.append, cancelled=lambda: False, limits=Limits())
    mirrors = find_mirrors(kind, request)
    assert events == [StageStarted(stage="loading torchvision, which knows the mirrors")]
    if kind.name == "qmnist":
        checksums = {f"{mirrors[0]}/{file}": checksum for file, checksum in kind.packed.items()}
        assert list(checksums.items()) == known.resources["train"]
    else:
        assert [f"{mirror}/" for mirror in mirrors] == known.mirrors
        assert list(kind.packed.items()) == known.resources[:2]


def fresh_interpreter(code: str) -> str:
    """What a new Python prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


WARM_START = """
import sys
from dataclasses import replace
from clipwatch.core.data import catalog
from clipwatch.core.data.datasets import load
kinds = catalog.KINDS
for name, kind in list(kinds.items()):
    kinds[name] = replace(kind, count={count}, validation={validation}, checksum=None, md5={md5})
for name in ("mnist", "digits"):
    print(load(name, data_dir=None, offline=False, report=print).info.origin)
print([name for name in ("torch", "torchvision", "requests") if name in sys.modules])
"""


@pytest.mark.usefixtures("small")
def test_a_start_from_the_cache_imports_nothing_that_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    files = packed_files(catalog.KINDS["mnist"])
    with serving(files) as mirror:
        use_mirrors(monkeypatch, "mnist", files, mirror.url)
        load("mnist", data_dir=None, offline=False, report=[].append)
    code = WARM_START.format(count=COUNT, validation=VALIDATION, md5=tuple(map(md5, files.values())))
    lines = fresh_interpreter(code).splitlines()
    assert lines == ["cache", digits.ORIGIN, "[]"]


# The real MNIST


@needs_mnist
def test_the_real_mnist_from_a_folder() -> None:
    dataset = loaded("mnist", Path(str(REAL)))
    assert (dataset.info.training, dataset.info.validation) == (55_000, 5_000)
    assert dataset.validation.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert dataset.training.images.nbytes == 55_000 * 784


@needs_mnist
def test_the_real_mnist_from_a_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {path.name: path.read_bytes() for path in Path(str(REAL)).glob("train-*.gz")}
    with serving(files, "503", "truncated") as mirror:
        monkeypatch.setenv("CLIPWATCH_MIRRORS", mirror.url)
        limits = Limits(pause=0.01)
        fetched = load("mnist", data_dir=None, offline=False, report=[].append, limits=limits)
    assert fetched.info.origin.startswith("downloaded from 127.0.0.1")
    assert loaded("mnist").info == msgspec.structs.replace(fetched.info, origin="cache")
    assert loaded("mnist", Path(str(REAL))).info.checksum == fetched.info.checksum


@needs_mnist
def test_a_flipped_byte_in_the_real_unpacked_images_is_noticed(tmp_path: Path) -> None:
    for path in Path(str(REAL)).glob("train-*.gz"):
        content = bytearray(gzip.decompress(path.read_bytes()))
        content[-1] ^= "images" in path.name
        put(tmp_path / "given", {path.stem: bytes(content)})
    with pytest.raises(BadInput, match=r"train-images-idx3-ubyte or .* is damaged or the wrong file"):
        loaded("mnist", tmp_path / "given")


@needs_mnist
def test_the_real_mnist_is_refused_under_another_name() -> None:
    with pytest.raises(BadInput, match="it holds mnist, not fashion-mnist"):
        loaded("fashion-mnist", Path(str(REAL)))

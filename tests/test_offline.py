"""Offline means offline: whoever says so wins, and nothing asks the network."""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path

import pytest

from clipwatch.core.data.datasets import load
from clipwatch.core.data.offline import is_offline
from clipwatch.core.errors import BadInput
from clipwatch.core.runs.machine import Machine
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import AnyEvent, Notice
from clipwatch.tui.cli.main import main, parse
from clipwatch.tui.cli.settings import machine, run_config
from clipwatch.tui.cli.sweep_options import sweep_from_options
from clipwatch.tui.engine_child.request import ResumeRun, decoded_request, encoded

VALUES = {"1": True, "yes": True, "TRUE": True, " on ": True, "": False, "0": False, "No": False, "OFF": False}
NO = ("false", "False", " no ", "off")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("the network was asked")  # which no "except Exception" catches

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("CLIPWATCH_CACHE_DIR", str(tmp_path / "cache"))


@pytest.mark.parametrize(("value", "offline"), [*VALUES.items(), *((no, False) for no in NO)])
def test_the_environment_says_yes_or_no(value: str, offline: bool) -> None:
    assert is_offline(False, {"CLIPWATCH_OFFLINE": value}) is offline
    assert is_offline(True, {"CLIPWATCH_OFFLINE": value})


def settings(kind: str, arguments: list[str]) -> RunConfig:
    """What a run's or a sweep's command line describes."""
    if kind == "run":
        return run_config(parse(arguments), os.environ)
    return sweep_from_options(parse(["sweep", *arguments])).base


@pytest.mark.parametrize("kind", ["run", "sweep"])
def test_any_of_flag_file_and_environment_that_says_offline_wins(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.toml"
    for flag, in_file, environment in itertools.product([False, True], [None, False, True], ["0", "1"]):
        file.write_text("" if in_file is None else f"offline = {str(in_file).lower()}\n", encoding="utf-8")
        monkeypatch.setenv("CLIPWATCH_OFFLINE", environment)
        arguments = ["--config", str(file), *(["--offline"] if flag else [])]
        assert settings(kind, arguments).offline is (flag or bool(in_file) or environment == "1")


@pytest.mark.parametrize("name", ["resume", "verify"])
def test_what_trains_again_takes_the_flag(name: str) -> None:
    given = machine(parse([name, "last", "--offline"]))
    assert given.settings(RunConfig(), [].append).offline
    assert not machine(parse([name, "last"])).settings(RunConfig(), [].append).offline
    assert Machine().settings(RunConfig(offline=True), [].append).offline
    assert decoded_request(encoded(ResumeRun(folder=Path("run"), machine=given))).machine.offline


def test_data_is_not_fetched_when_only_the_environment_forbids_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPWATCH_OFFLINE", "true")
    with pytest.raises(BadInput, match="kmnist is not on this machine; offline forbids"):
        load("kmnist", data_dir=None, offline=False, report=[].append)
    events: list[AnyEvent] = []
    assert load("auto", data_dir=None, offline=False, report=events.append).info.name == "digits"
    assert [event.text for event in events if isinstance(event, Notice) and "offline" in event.text]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-ui", "--dataset", "kmnist", "--no-record"],
        ["sweep", "--no-ui", "--seeds", "1", "--dataset", "kmnist"],
    ],
)
def test_commands_say_why_there_is_no_data(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CLIPWATCH_OFFLINE", "on")
    assert main([*arguments, "--runs-dir", str(tmp_path)]) == 2
    assert "offline forbids downloading it" in capsys.readouterr().err

"""Torch is imported while the data are read, and not at all if a mistake shows first."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from clipwatch.core.engine.concurrent_stages import ConcurrentStages
from clipwatch.core.engine.engine import Engine
from clipwatch.core.errors import BadInput
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import DownloadProgressed, Event, Notice, StageStarted


def fresh(code: str) -> subprocess.CompletedProcess[str]:
    """Run this code in an interpreter that has not loaded torch."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_torch_is_loaded_before_the_data_are_there() -> None:
    code = """
import sys, time
from clipwatch.core.data.datasets import load
from clipwatch.core.engine.engine import Engine
from clipwatch.core.stream.config import RunConfig
def slow(*arguments, **named):
    end = time.monotonic() + 50
    while "clipwatch.core.training.training_loop" not in sys.modules and time.monotonic() < end:
        time.sleep(0.01)
    print("loaded" if time.monotonic() < end else "not loaded")
    return load(*arguments, **named)
for event in Engine(RunConfig(settings={"dataset": "digits"}, iterations=1), load=slow).run():
    print(getattr(event, "stage", ""), type(event).__name__)
"""
    done = fresh(code)
    first, *others = done.stdout.splitlines()
    assert first == "reading digits and loading torch StageStarted"
    # Whether `slow` or the engine is the first to see that torch is loaded is left open.
    assert "loaded" in others
    assert "RunFinished" in done.stdout
    assert done.stderr == ""


def test_a_mistake_in_the_settings_shows_without_torch() -> None:
    code = """
import sys
from clipwatch.tui.cli.main import main
code = main(["--no-ui", "--dataset", "mnist", "--data-dir", "/no/such/folder"])
print(code, "torch" in sys.modules)
"""
    done = fresh(code)
    assert done.stdout == "2 False\n"
    assert done.stderr == "clipwatch: data dir /no/such/folder: no such folder\n"


def test_an_error_of_the_data_ends_the_import_and_the_program_in_good_order() -> None:
    code = """
import sys, time
from clipwatch.core.engine.engine import Engine
from clipwatch.core.stream.config import RunConfig
def late(*arguments, **named):
    while "torch" not in sys.modules:
        time.sleep(0.01)
    raise OSError("the disk is gone")
try:
    list(Engine(RunConfig(settings={"dataset": "digits"}), load=late).run())
except OSError as error:
    print(error)
"""
    done = fresh(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "the disk is gone\n", "")


def test_no_thread_is_left_when_the_data_cannot_be_read() -> None:
    def load(*_: object, **__: object) -> None:
        raise BadInput("no data")

    before = set(threading.enumerate())
    with pytest.raises(BadInput, match="no data"):
        list(Engine(RunConfig(settings={"dataset": "digits"}), load=load).run())
    for thread in threading.enumerate():
        if thread.name.startswith("clipwatch") and thread not in before:
            thread.join(60)
            assert not thread.is_alive()


def stages(*steps: str | Event) -> list[Event]:
    """The events of a preparation that reads MNIST, whose parts `reading` and `loading` end at these steps."""
    found: list[Event] = []
    concurrent = ConcurrentStages(found.append, "reading mnist")
    for step in steps:
        if isinstance(step, Event):
            concurrent.report(step)
        else:
            getattr(concurrent, f"end_{step}")()
    return found


def stage(text: str) -> StageStarted:
    return StageStarted(stage=text)


def test_the_stage_names_what_is_still_going_on() -> None:
    assert stages("reading", "loading") == [stage("reading mnist and loading torch"), stage("loading torch")]
    assert stages("loading", "reading") == [stage("reading mnist and loading torch"), stage("reading mnist")]


def test_a_download_takes_the_place_of_reading_and_its_progress_stays_when_torch_is_there() -> None:
    progress = DownloadProgressed(file="images", received=3, total=11)
    notice = Notice(text="slow")
    assert stages(stage("downloading mnist"), notice, progress, "loading") == [
        stage("reading mnist and loading torch"),
        stage("downloading mnist and loading torch"),
        notice,
        progress,
        stage("downloading mnist"),
        progress,
    ]
    assert stages(stage("downloading mnist"), progress, "reading")[-1] == stage("loading torch")

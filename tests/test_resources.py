"""What a run's processes use: measured every five seconds, with the GPU where torch or NVML tells of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import psutil
import pytest

from clipwatch.core.engine.engine import Engine
from clipwatch.core.runs import resources
from clipwatch.core.runs.resources import ResourceMeter
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import Event, ResourcesMeasured

GIB = 1 << 30


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own GPU, if it has one, does not count."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setitem(sys.modules, "torch", None)


def test_a_measurement_every_five_seconds() -> None:
    meter = ResourceMeter(2.0)
    assert meter.measure(6.9) is None
    assert meter.measure(7.0)
    assert meter.measure(11.9) is None
    assert meter.measure(12.0)


def test_the_processor_time_of_the_last_interval_as_cores() -> None:
    meter = ResourceMeter()
    began = time.process_time()
    while (spent := time.process_time() - began) < 0.2:
        pass
    used = meter.measure(5.0)
    assert used
    # The system counts processor time in ticks of 10 ms.
    assert 5 * used.processor == pytest.approx(spent, abs=0.1)
    later = meter.measure(1_000_000.0)
    assert later
    assert later.processor < 1e-5


def test_children_count() -> None:
    hold = "import sys; data = bytearray(300_000_000); print(flush=True); sys.stdin.read()"
    meter, alone = ResourceMeter(), psutil.Process().memory_info().rss
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        used = meter.measure(5.0)
        child.communicate(b"")
    assert used
    assert used.memory > alone + 290_000_000
    assert used.gpu_memory is None


def test_a_child_that_ends_meanwhile_counts_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        ended = psutil.Process(child.pid)
    meter = ResourceMeter()
    monkeypatch.setattr(psutil.Process, "children", lambda process, recursive: [ended])
    used = meter.measure(5.0)
    assert used
    assert used.memory == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def cuda(initialized: bool = True) -> Any:
    """A torch with two devices, of which the second is in use."""
    return SimpleNamespace(
        cuda=SimpleNamespace(
            is_initialized=lambda: initialized,
            device_count=lambda: 2,
            memory_reserved=lambda device: (0, 3 * GIB)[device],
            get_device_properties=lambda device: SimpleNamespace(total_memory=80 * GIB, uuid=f"{device}"),
        )
    )


class Nvml(ModuleType):
    """NVML with two devices; process 1 runs on the second."""

    class NVMLError(Exception):
        pass

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        return int(uuid.removeprefix("GPU-"))

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        return SimpleNamespace(gpu=(7, 43)[handle])

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(total=80 * GIB)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        return [SimpleNamespace(pid=psutil.Process().pid, usedGpuMemory=5 * GIB)] if handle else []


class NoDriver(Nvml):
    def nvmlInit(self) -> None:
        raise self.NVMLError("Driver Not Loaded")


def gpu(monkeypatch: pytest.MonkeyPatch, torch: Any, nvml: Any) -> tuple[int | None, int | None, float | None]:
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    used = ResourceMeter().measure(5.0)
    assert used
    return used.gpu_memory, used.gpu_memory_total, used.gpu_share


def test_the_gpu_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu(monkeypatch, cuda(), Nvml("pynvml")) == (3 * GIB, 80 * GIB, 0.43)
    assert gpu(monkeypatch, cuda(), None) == (3 * GIB, 80 * GIB, None)
    assert gpu(monkeypatch, cuda(), NoDriver("pynvml")) == (3 * GIB, 80 * GIB, None)


def test_a_process_without_cuda_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu(monkeypatch, cuda(initialized=False), None) == (None, None, None)
    assert gpu(monkeypatch, cuda(initialized=False), NoDriver("pynvml")) == (None, None, None)


def test_lanes_in_processes_are_found_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu(monkeypatch, None, Nvml("pynvml")) == (5 * GIB, 80 * GIB, 0.43)


def test_a_run_of_the_engine_reports_what_it_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    def resources_of(interval: float) -> list[Event]:
        monkeypatch.setattr(resources, "INTERVAL", interval)
        config = RunConfig(settings={"dataset": "digits"}, offline=True, iterations=60, eval_size=20)
        return [event for event in Engine(config).run() if isinstance(event, ResourcesMeasured)]

    monkeypatch.undo()
    assert resources_of(1e-3)
    assert resources_of(threading.TIMEOUT_MAX) == []

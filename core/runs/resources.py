"""What the training process and its children use: processor, memory, and the GPU that torch or NVML tells of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import psutil

from ..stream.events import ResourcesMeasured

# Seconds between two measurements, and thus the least that a run must last to have one.
INTERVAL = 5.0


class ResourceMeter:
    """Measures this process and its children, at most once every five seconds."""

    def __init__(self, seconds: float = 0.0) -> None:
        """Begin at this time of the run."""
        self._process, self._seconds = psutil.Process(), seconds
        self._spent = {process: _processor_seconds(process) for process in self._processes()}

    def measure(self, seconds: float) -> ResourcesMeasured | None:
        """What is used at this time of the run; None if the last measurement was less than five seconds ago."""
        passed = seconds - self._seconds
        if passed < INTERVAL:
            return None
        spent = {process: _processor_seconds(process) for process in self._processes()}
        # A child that is new has spent all of its time since the last measurement.
        cores = sum(max(0.0, now - self._spent.get(process, 0.0)) for process, now in spent.items()) / passed
        self._seconds, self._spent = seconds, spent
        gpu = _gpu({process.pid for process in spent})
        return ResourcesMeasured(
            seconds=seconds,
            processor=cores,
            memory=sum(map(_resident_memory, spent)),
            gpu_memory=gpu.memory,
            gpu_memory_total=gpu.total,
            gpu_share=gpu.share,
        )

    def _processes(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            return [self._process, *self._process.children(recursive=True)]
        return [self._process]


def _processor_seconds(process: psutil.Process) -> float:
    with suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def _resident_memory(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return process.memory_info().rss
    return 0


class _Gpu(NamedTuple):
    """The memory that is used of all devices, their memory, and the share of time in which they are in use."""

    memory: int | None = None
    total: int | None = None
    share: float | None = None


def _gpu(processes: set[int]) -> _Gpu:
    """The devices that these processes use; torch knows only those of this process."""
    nvml = _nvml()
    devices = list(_torch_devices(nvml)) or (list(_nvml_devices(nvml, processes)) if nvml else [])
    if not devices:
        return _Gpu()
    shares = [device.share for device in devices if device.share is not None]
    return _Gpu(
        sum(device.memory or 0 for device in devices),
        sum(device.total or 0 for device in devices),
        sum(shares) / len(shares) if shares else None,
    )


def _torch_devices(nvml: Any) -> Iterator[_Gpu]:
    """The devices on which torch holds memory, if this process uses CUDA. Torch is not imported for it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return
    for device in range(torch.cuda.device_count()):
        if memory := torch.cuda.memory_reserved(device):
            properties = torch.cuda.get_device_properties(device)
            share = _share(nvml, f"GPU-{getattr(properties, 'uuid', '')}") if nvml else None
            yield _Gpu(memory, properties.total_memory, share)


def _nvml_devices(nvml: Any, processes: set[int]) -> Iterator[_Gpu]:
    """The devices on which these processes run."""
    with suppress(nvml.NVMLError):
        for index in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            ours = [run for run in nvml.nvmlDeviceGetComputeRunningProcesses(handle) if run.pid in processes]
            if ours:
                # A driver without the right to see it tells no memory.
                memory = sum(run.usedGpuMemory or 0 for run in ours)
                rates = nvml.nvmlDeviceGetUtilizationRates(handle)
                yield _Gpu(memory, nvml.nvmlDeviceGetMemoryInfo(handle).total, rates.gpu / 100)


def _share(nvml: Any, uuid: str) -> float | None:
    with suppress(nvml.NVMLError):
        return nvml.nvmlDeviceGetUtilizationRates(nvml.nvmlDeviceGetHandleByUUID(uuid)).gpu / 100
    return None


def _nvml() -> Any:
    """NVIDIA's library; None where the package or the driver is missing."""
    try:
        import pynvml  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    with suppress(pynvml.NVMLError):
        pynvml.nvmlInit()
        return pynvml
    return None

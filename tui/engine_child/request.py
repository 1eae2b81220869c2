"""The requests that start an engine: one typed value, handed to the child process as JSON."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ...core.runs.machine import Machine
from ...core.stream.config import RunConfig
from ...core.stream.sweep_config import SweepConfig
from ...core.sweeps.usable_cores import usable_cores


class EngineRequest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base class of the requests. With `debug`, the engine prints the traceback of an error."""

    debug: bool = False


class TrainRun(EngineRequest, frozen=True, kw_only=True):
    """Train a run. Record it below `record_in` and write TensorBoard logs to `tensorboard` (None: do not)."""

    config: RunConfig
    record_in: Path | None = None
    tensorboard: Path | None = None


class ResumeRun(EngineRequest, frozen=True, kw_only=True):
    """Continue the run in `folder` up to this many steps in total (None: as many as planned)."""

    folder: Path
    iterations: int | None = None
    machine: Machine = Machine()
    tensorboard: Path | None = None


class ReplayRun(EngineRequest, frozen=True, kw_only=True):
    """Replay the run in `folder` at `speed` times the recorded speed (None: no limit)."""

    folder: Path
    speed: float | None = None


class AttachRun(EngineRequest, frozen=True, kw_only=True):
    """Follow the run in `folder`, which another process trains."""

    folder: Path


class BackendConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sweep is trained: in `workers` processes on this machine (None: one per core), or on a Ray cluster."""

    workers: int | None = None
    on_ray: bool = False
    ray_address: str | None = None

    @property
    def cores(self) -> int:
        """The number of cores of this machine that are used for training."""
        return self.workers or usable_cores()


class TrainSweep(EngineRequest, frozen=True, kw_only=True):
    """Train a sweep and record it below `record_in`."""

    config: SweepConfig
    record_in: Path
    backend: BackendConfig


class ResumeSweep(EngineRequest, frozen=True, kw_only=True):
    """Train the remaining replicas of the sweep in `folder`."""

    folder: Path
    machine: Machine
    backend: BackendConfig


class ReplaySweep(EngineRequest, frozen=True, kw_only=True):
    """Send the recorded results of the sweep in `folder`."""

    folder: Path


AnyRequest = TrainRun | ResumeRun | ReplayRun | AttachRun | TrainSweep | ResumeSweep | ReplaySweep
# What `EngineProcess` starts: an engine of clipwatch with a request, or the user's `--engine-command`.
EngineSource = AnyRequest | Sequence[str]


class ScreenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is shown: key map, the metrics of the charts (none: those of most interest), and whether to quit.

    `summary`: whether to print the results afterwards.
    """

    keymap: dict[str, str] = {}
    charts: tuple[str, ...] = ()
    quit_when_done: bool = False
    summary: bool = True


class ScreenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A screen to show: its engine (a request, or the user's `--engine-command`) and how."""

    engine: TrainRun | list[str]
    options: ScreenOptions = ScreenOptions()
    debug: bool = False


def encoded(request: AnyRequest | ScreenRequest) -> bytes:
    """A request as JSON. Paths are written as base64 bytes, because they need not be valid Unicode."""
    return msgspec.json.encode(request, enc_hook=_path_bytes)


def decoded_request(text: bytes) -> AnyRequest:
    """Decode a request to an engine."""
    return msgspec.json.decode(text, type=AnyRequest, dec_hook=_path)


def decoded_screen(text: bytes | str) -> ScreenRequest:
    """Decode a request for a screen."""
    return msgspec.json.decode(text, type=ScreenRequest, dec_hook=_path)


def _path_bytes(value: Any) -> bytes:
    if isinstance(value, Path):
        return os.fsencode(value)
    raise NotImplementedError


def _path(kind: type, value: str) -> Path:
    return Path(os.fsdecode(base64.b64decode(value)))

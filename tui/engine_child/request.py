"""What the screen asks its engine to do: one typed value, handed to the child process as JSON."""

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
from ...core.sweeps.cores import usable_cores


class EngineRequest(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base class of the requests; with `debug` the engine shows the traceback of an error."""

    debug: bool = False


class TrainRun(EngineRequest, frozen=True, kw_only=True):
    """Train a run, record it in a folder of runs and write it for TensorBoard (None: do not)."""

    config: RunConfig
    record_in: Path | None = None
    tensorboard: Path | None = None


class ResumeRun(EngineRequest, frozen=True, kw_only=True):
    """Go on with the run in `folder` to this many steps in all (None: as many as planned)."""

    folder: Path
    iterations: int | None = None
    machine: Machine = Machine()
    tensorboard: Path | None = None


class ReplayRun(EngineRequest, frozen=True, kw_only=True):
    """Play the run in `folder` again, `speed` times as fast (None: without a limit)."""

    folder: Path
    speed: float | None = None


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sweep is trained: in processes on this machine (None: one per core), or on a Ray cluster."""

    workers: int | None = None
    on_ray: bool = False
    ray_address: str | None = None

    @property
    def cores(self) -> int:
        """How many cores of this machine train."""
        return self.workers or usable_cores()


class TrainSweep(EngineRequest, frozen=True, kw_only=True):
    """Train a sweep, and record it in a folder of runs."""

    config: SweepConfig
    home: Path
    workplace: Workplace


class ResumeSweep(EngineRequest, frozen=True, kw_only=True):
    """Train what is left of the sweep in `folder`."""

    folder: Path
    machine: Machine
    workplace: Workplace


AnyRequest = TrainRun | ResumeRun | ReplayRun | TrainSweep | ResumeSweep
# What `EngineProcess` starts: an engine of ours, or the user's own command.
Wanted = AnyRequest | Sequence[str]


class ScreenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A screen that another process shows: its engine (a request, or the user's own command) and its keys."""

    engine: TrainRun | list[str]
    keymap: dict[str, str]
    quit_when_done: bool
    debug: bool = False


def encoded(request: AnyRequest | ScreenRequest) -> bytes:
    """A request as JSON; paths are written as bytes, because they need not be valid text."""
    return msgspec.json.encode(request, enc_hook=_plain)


def decoded_request(text: bytes) -> AnyRequest:
    """The request that `encoded` wrote for an engine."""
    return msgspec.json.decode(text, type=AnyRequest, dec_hook=_path)


def decoded_screen(text: bytes | str) -> ScreenRequest:
    """The request that `encoded` wrote for a screen."""
    return msgspec.json.decode(text, type=ScreenRequest, dec_hook=_path)


def _plain(value: Any) -> bytes:
    if isinstance(value, Path):
        return os.fsencode(value)
    raise NotImplementedError


def _path(kind: type, value: str) -> Path:
    return Path(os.fsdecode(base64.b64decode(value)))

"""The estimated duration of a sweep, in words."""

from __future__ import annotations

from ...core.stream.sweep_config import SweepConfig
from .number_format import duration, number_of


def estimate(config: SweepConfig, cores: int) -> str:
    """The estimated duration of a sweep, if there is one, and the cores or device that it runs on."""
    resource = number_of(cores, "core") if config.base.device == "cpu" else config.base.device
    seconds = config.seconds(cores)
    return f"on {resource}" if seconds is None else f"about {duration(seconds)} on {resource}"

"""The estimated duration of a sweep, in words."""

from __future__ import annotations

from ...core.stream.sweep_config import SweepConfig
from .number_format import duration, number_of


def estimate(config: SweepConfig, cores: int) -> str:
    """The estimated duration of a sweep, and the cores or device that it runs on."""
    resource = number_of(cores, "core") if config.base.device == "cpu" else config.base.device
    return f"about {duration(config.seconds(cores))} on {resource}"

"""What a run's processes use, in words as short as a title needs."""

from __future__ import annotations

from rich.filesize import decimal

from ...core.stream.events import ResourcesMeasured


def resource_words(used: ResourcesMeasured) -> str:
    """`1.9 cores · 612 MB · GPU 43 % 3.1 GB`."""
    words = [f"{used.processor:.1f} cores", decimal(used.memory, precision=0 if used.memory < 10**9 else 1)]
    gpu = [] if used.gpu_share is None else [f"{100 * used.gpu_share:.0f} %"]
    gpu += [] if used.gpu_memory is None else [decimal(used.gpu_memory)]
    return " · ".join([*words, *([" ".join(["GPU", *gpu])] if gpu else [])])

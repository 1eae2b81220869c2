"""Measurements made up for tests."""

from __future__ import annotations

from collections.abc import Mapping

from clipwatch.core.stream.events import Diagnosed
from clipwatch.core.stream.measures import BINS, Histogram, Measure

# Bin 28 begins at 1e-3, bin 24 at 1e-4.
COUNTS = tuple({20: 1, 24: 40, 27: 80, 28: 60, 32: 10}.get(place, 0) for place in range(BINS))
HISTOGRAM = Histogram(counts=COUNTS, zero=9, under=3, over=2, nan=0, inf=0)
MEASURE = Measure(
    histogram=HISTOGRAM,
    changed=82,
    norm=4.88,
    clipped_norm=0.157,
    update_ratio=0.0058,
    step_size=0.39,
    cosine=0.351,
    sign_cosine=0.855,
    shadow_cosine=0.636,
    shadow_distance=0.789,
    percentiles=(0.0015, 0.0093, 0.0486),
)
UNTOUCHED = Measure(histogram=HISTOGRAM, norm=1.0, clipped_norm=1.0, cosine=1.0, update_ratio=0.01, step_size=1.0)
LAYERS = ("conv1", "conv2", "fc1", "fc2", "fc3")
DEAD_UNITS = {"conv1": 0, "conv2": 1, "fc1": 24, "fc2": 13, "outputs": 2}


def diagnosed(
    lane: str = "a",
    step: int = 50,
    total: Measure = MEASURE,
    *,
    dead: tuple[int, ...] = (2, 8),
    engaged: float = 0.998,
    layers: Mapping[str, Measure] | None = None,
) -> Diagnosed:
    """A measurement of all layers; two outputs are dead unless said otherwise."""
    return Diagnosed(
        lane=lane,
        step=step,
        layers=dict.fromkeys(LAYERS, total) if layers is None else dict(layers),
        total=total,
        engaged=engaged,
        engaged_recently=engaged,
        dead=DEAD_UNITS,
        dead_outputs=dead,
        dead_share=0.1 * len(dead),
    )

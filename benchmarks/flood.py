"""An engine that trains nothing and sends many events: `python flood.py EVENTS [EVENTS_PER_SECOND]`."""

from __future__ import annotations

import sys
import time

from clipwatch.core.stream.codec import encode
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import DatasetInfo, LaneFinished, LaneStarted, RunStarted

LANES = ("unclipped", "clipped")
BATCH = 1000
# Writes per second at a given rate.
WRITES_PER_SECOND = 50
EVALUATED = (
    '{"v":1,"event":"Evaluated","lane":"%s","step":%d,"loss":%.5f,"accuracy":%.2f,"train_loss":2.0,"seconds":%.3f}\n'
)


def beginning(steps: int) -> list[RunStarted | LaneStarted]:
    """The events before the evaluations."""
    dataset = DatasetInfo(name="mnist", origin="nowhere", training=55000, validation=5000, checksum="")
    config = RunConfig(settings={"dataset": "mnist"}, iterations=steps, eval_every=1)
    lanes = [LaneStarted(lane=lane, step=0, rule="none", iterations=steps, parameters=1, seconds=0.0) for lane in LANES]
    return [RunStarted(config=config, dataset=dataset, device="cpu", versions={}, time=0.0), *lanes]


def evaluations(first: int, last: int) -> str:
    """The lines of the evaluations of both lanes at these steps."""
    return "".join(
        EVALUATED % (lane, step, 0.3 + 2 / (1 + step / 1000) + 0.01 * (step % 17), 0.01 * (step % 100), 0.001 * step)
        for step in range(first, last)
        for lane in LANES
    )


def end(lane: str, steps: int) -> LaneFinished:
    """The last event of a lane."""
    return LaneFinished(
        lane=lane, step=steps, reason="completed", loss=0.3, correct=1, total=2, seconds=1.0, training_seconds=1.0
    )


def main() -> None:
    """Write the events as fast as they are read, or at the rate. Wait a second before the lanes end."""
    steps, *rate = [int(text) // len(LANES) for text in sys.argv[1:]]
    batch = rate[0] // WRITES_PER_SECOND if rate else BATCH
    out = sys.stdout.buffer
    out.writelines(encode(event) + b"\n" for event in beginning(steps))
    for first in range(0, steps, batch):
        out.write(evaluations(first, min(first + batch, steps)).encode())
        if rate:
            out.flush()
            time.sleep(1 / WRITES_PER_SECOND)
    out.flush()
    time.sleep(1)
    out.writelines(encode(end(lane, steps)) + b"\n" for lane in LANES)


if __name__ == "__main__":
    main()

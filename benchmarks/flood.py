"""An engine that trains nothing and has much to say: `python flood.py EVENTS [EVENTS_A_SECOND]`."""

from __future__ import annotations

import sys
import time

from clipwatch.core.stream.codec import encode
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import DatasetInfo, LaneFinished, LaneStarted, RunStarted

LANES = ("unclipped", "clipped")
AT_ONCE = 1000
# At a given rate, so often a second.
PARTS = 50
EVALUATED = (
    '{"v":1,"event":"Evaluated","lane":"%s","step":%d,"loss":%.5f,"accuracy":%.2f,"train_loss":2.0,"seconds":%.3f}\n'
)


def beginning(steps: int) -> list[RunStarted | LaneStarted]:
    """What comes before the evaluations."""
    dataset = DatasetInfo(name="mnist", origin="nowhere", training=55000, validation=5000, checksum="")
    config = RunConfig(dataset="mnist", iterations=steps, eval_every=1)
    lanes = [LaneStarted(lane=lane, step=0, rule="none", iterations=steps, parameters=1, seconds=0.0) for lane in LANES]
    return [RunStarted(config=config, dataset=dataset, device="cpu", versions={}, time=0.0), *lanes]


def evaluations(first: int, last: int) -> str:
    """The lines of these steps of both lanes."""
    return "".join(
        EVALUATED % (lane, step, 0.3 + 2 / (1 + step / 1000) + 0.01 * (step % 17), 0.01 * (step % 100), 0.001 * step)
        for step in range(first, last)
        for lane in LANES
    )


def end(lane: str, steps: int) -> LaneFinished:
    """The end of a lane."""
    return LaneFinished(
        lane=lane, step=steps, reason="completed", loss=0.3, correct=1, total=2, seconds=1.0, training_seconds=1.0
    )


def main() -> None:
    """Say it all, as fast as it is read or at the rate, and let it be looked at for a second before the end."""
    steps, *rate = [int(text) // len(LANES) for text in sys.argv[1:]]
    at_once = rate[0] // PARTS if rate else AT_ONCE
    out = sys.stdout.buffer
    out.writelines(encode(event) + b"\n" for event in beginning(steps))
    for first in range(0, steps, at_once):
        out.write(evaluations(first, min(first + at_once, steps)).encode())
        if rate:
            out.flush()
            time.sleep(1 / PARTS)
    out.flush()
    time.sleep(1)
    out.writelines(encode(end(lane, steps)) + b"\n" for lane in LANES)


if __name__ == "__main__":
    main()

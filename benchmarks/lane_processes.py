"""Lanes of a user's experiment: two at once against one after the other, and a process against this process.

    python benchmarks/lane_processes.py [--experiment FILE.py] [--steps 2000] [--repeats 3]

The ratios of one sitting count: steps per second depend on the machine and on what else runs on it.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import msgspec

from clipwatch.core.engine.engine import Engine
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import LaneFailed, LaneFinished
from clipwatch.core.sweeps.usable_cores import usable_cores

EXPERIMENT = Path(__file__).parents[1] / "examples" / "mlp_dropout.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiment", default=str(EXPERIMENT))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    config = from_options({"experiment": given.experiment, "iterations": given.steps})
    one, other = (msgspec.structs.replace(config, lanes=(lane,)) for lane in config.lanes)
    # Taken in turn, so that a busy minute hits all of them.
    rounds = [(seconds(config), seconds(one), seconds(other), seconds(one, in_threads=True)) for _ in range(given.repeats)]
    print(f"{Path(given.experiment).name}, {given.steps:,} steps, {usable_cores()} cores; median of {given.repeats}")
    both, first, second, here = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"a lane in a process of its own:  {first / given.steps * 1e6:7.0f} us a step")
    print(f"a lane in a thread of this one:  {here / given.steps * 1e6:7.0f} us a step")
    print(f"a process costs                  {(first - here) / given.steps * 1e6:7.0f} us a step")
    print(f"two lanes at once:               {both:7.2f} s")
    print(f"one after the other:             {first + second:7.2f} s, {(first + second) / both:.2f} times as long")


def seconds(config: RunConfig, *, in_threads: bool = False) -> float:
    """From the first step to the end of the last lane; the run is measured and its events are read."""
    ends = []
    for event in Engine(config, in_threads=in_threads).run():
        if isinstance(event, LaneFailed):
            raise SystemExit(event.cause)
        if isinstance(event, LaneFinished):
            ends.append(event.training_seconds)
    return max(ends)


if __name__ == "__main__":
    main()

"""Lanes of a user's experiment: two at once against one after the other, and a process against this process.

    python benchmarks/lane_processes.py [--experiment FILE.py] [--steps 2000] [--repeats 3]

The ratios of one sitting count. On a busy machine only the processor time says something: two lanes at once that need
no more of it than one after the other take half the time on two idle cores.
"""

from __future__ import annotations

import argparse
import resource
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
    # Torch is imported into this process.
    processor_seconds(msgspec.structs.replace(one, iterations=1), in_threads=True)
    # Taken in turn, so that a busy minute hits all of them.
    rounds = [(cost(config), cost(one), cost(other), cost(one, in_threads=True)) for _ in range(given.repeats)]
    both, first, second, here = (
        [statistics.median(values) for values in zip(*column, strict=True)] for column in zip(*rounds, strict=True)
    )
    print(f"{Path(given.experiment).name}, {given.steps:,} steps, {usable_cores()} cores; median of {given.repeats}")
    print(f"                                {'time':>10} {'processor time':>15}")
    for name, (time, used) in (("a process", first), ("a thread of this process", here)):
        print(f"a step in {name:<24} {micro(time, given.steps)} {micro(used, given.steps)}")
    after = [x + y for x, y in zip(first, second, strict=True)]
    for name, (time, used) in (("two lanes at once", both), ("one after the other", after)):
        print(f"{name:<34} {time:8.2f} s {used:11.2f} s")
    print(f"one after the other takes {after[0] / both[0]:.2f} times as long")


def micro(seconds: float, steps: int) -> str:
    return f"{seconds / steps * 1e6:8.0f} us"


def cost(config: RunConfig, *, in_threads: bool = False) -> tuple[float, float]:
    """Seconds from the first step to the end of the last lane, and of processor time, without those of the start."""
    start = processor_seconds(msgspec.structs.replace(config, iterations=1), in_threads)[1]
    seconds, used = processor_seconds(config, in_threads)
    return seconds, used - start


def processor_seconds(config: RunConfig, in_threads: bool) -> tuple[float, float]:
    """The training time of a whole run, which is measured and whose events are read, and its processor time."""
    before, ends = used_seconds(), []
    for event in Engine(config, in_threads=in_threads).run():
        if isinstance(event, LaneFailed):
            raise SystemExit(event.cause)
        if isinstance(event, LaneFinished):
            ends.append(event.training_seconds)
    return max(ends), used_seconds() - before


def used_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()

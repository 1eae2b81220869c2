"""The sweep that a run's screen offers: the run's configuration with many seeds."""

from __future__ import annotations

from ...core.errors import BadInput
from ...core.stream.state import RunState
from ...core.stream.sweep_config import SweepConfig, axis_value, sweep_of_run


def offered_sweep(state: RunState) -> SweepConfig | None:
    """The sweep of a run, None before its start. BadInput if it cannot be trained, as with another version's rule."""
    if state.watched:
        raise BadInput("Your own script trains this run: clipwatch cannot run it with other seeds")
    if state.config is None or state.dataset is None:
        return None
    return sweep_of_run(state.config, state.dataset.name, own_optimizer=state.experiment.own_optimizer)


def offer(sweep: SweepConfig, duration: str, state: RunState) -> list[str]:
    """The lines of the question: what is trained, how long it takes, and what becomes of the present run."""
    seeds = sweep.every_seed
    compared = ", with ".join(
        " and ".join(axis_value(axis, value) for value in values) for axis, values in sweep.axes.items()
    )
    condition = "" if sweep.seconds(1) is None else ", if nothing else runs"
    lines = [
        f"Run {len(seeds)} seeds ({seeds[0]} to {seeds[-1]}) of this configuration:",
        f"{duration}{condition}.",
        "",
        f"{'Compared' if len(sweep.settings) > 1 else 'Trained'}: {compared}. Data, steps and all other settings stay"
        " the same.",
    ]
    return [*lines, *_left_out(state), *_fate(state)]


def _left_out(state: RunState) -> list[str]:
    """What a lane of the run has done that no lane of the sweep will do: a sweep keeps what the lanes start with."""
    lanes = state.lanes.values()
    parts = {
        "planned changes of rules": any(lane.clip_at for lane in state.config.lanes) if state.config else False,
        "changes mid-run": state.changed_mid_run,
        "forks": any(lane.parent is not None for lane in lanes),
    }
    if not (found := [name for name, is_so in parts.items() if is_so]):
        return []
    return [
        "",
        f"Left out: {', '.join(found)}. Every network keeps the rule and the learning rate that it starts with.",
    ]


def _fate(state: RunState) -> list[str]:
    """What becomes of a run that is still training."""
    if state.replay or all(lane.ended for lane in state.lanes.values()):
        return []
    if state.recorded_in is None:
        return ["", "This run stops, and is not recorded."]
    return ["", "This run stops. What it has done is kept in", state.recorded_in]

"""The present state of a run, as a pure fold of its events. The screen and the summary read it."""

from __future__ import annotations

import msgspec

from .builtin_experiments import LENET
from .config import RunConfig
from .events import (
    Attached,
    DatasetInfo,
    DownloadProgressed,
    Event,
    LaneEvent,
    LaneForked,
    LanesCompared,
    LaneStarted,
    MetricAdded,
    RecordingStarted,
    RecordingStopped,
    ReplayStarted,
    ResourcesMeasured,
    RunFinished,
    RunStarted,
    StageStarted,
)
from .experiment_info import ExperimentInfo
from .lane_state import LaneState, apply_to_lane


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """The whole run. Before `RunStarted`, only the stage and the download are known.

    `started_at`: when its lanes started, in seconds since 1970 (UTC). `lanes` are in the order of the configuration.
    """

    stage: str = "starting the engine"
    download: DownloadProgressed | None = None
    config: RunConfig | None = None
    dataset: DatasetInfo | None = None
    experiment: ExperimentInfo = LENET.info
    watched: bool = False
    resources: ResourcesMeasured | None = None
    device: str = ""
    started_at: float = 0.0
    lanes: dict[str, LaneState] = {}
    compared: dict[tuple[str, str], LanesCompared] = {}
    recorded_in: str | None = None
    recording_stopped: RecordingStopped | None = None
    replay: ReplayStarted | None = None
    attached: Attached | None = None
    finished: RunFinished | None = None

    @property
    def failed(self) -> bool:
        """Whether a lane raised an error or all lanes failed, which makes the exit code 1.

        A lane that diverges beside others is a result, not a failure.
        """
        failures = [lane.failed for lane in self.lanes.values()]
        raised = any(failure and failure.reason == "error" for failure in failures)
        return raised or (bool(failures) and all(failures))

    @property
    def own_config(self) -> RunConfig | None:
        """The settings of a run that clipwatch trains. None for a watched loop, whose settings are its own."""
        return None if self.watched else self.config

    @property
    def changed_mid_run(self) -> bool:
        """Whether a lane was changed mid-run, so that the lanes are not a clean comparison any more."""
        return any(lane.changed_mid_run for lane in self.lanes.values())


def apply(state: RunState, event: Event) -> RunState:
    """The state after one more event. An event that does not concern the state leaves it as it is."""
    replace = msgspec.structs.replace
    match event:
        case LaneEvent():
            return _with_lane(state, event)
        case StageStarted(stage=stage):
            return replace(state, stage=stage, download=None)
        case DownloadProgressed():
            return replace(state, download=event)
        case RunStarted():
            # A restart keeps nothing of the run before.
            return RunState(
                stage="",
                config=event.config,
                dataset=event.dataset,
                experiment=event.experiment,
                watched=event.watched,
                device=event.device,
                started_at=event.time,
            )
        case RecordingStarted(folder=folder):
            return replace(state, recorded_in=folder, recording_stopped=None)
        case RecordingStopped():
            return replace(state, recorded_in=None, recording_stopped=event)
        case ReplayStarted():
            return replace(state, replay=event)
        case Attached():
            return replace(state, attached=event)
        case LanesCompared(lanes=lanes):
            return replace(state, compared={**state.compared, lanes: event})
        case MetricAdded(metric=metric, of_steps=of_steps):
            return replace(state, experiment=state.experiment.with_metric(metric, of_steps=of_steps))
        case ResourcesMeasured():
            return replace(state, resources=event)
        case RunFinished():
            return replace(state, finished=event)
        case _:
            return state


def _with_lane(state: RunState, event: LaneEvent) -> RunState:
    known = state.lanes.get(event.lane)
    if known:
        lane = apply_to_lane(known, event)
    elif isinstance(event, LaneStarted):
        lane = _started(state, event)
    elif isinstance(event, LaneForked) and event.parent in state.lanes:
        lane = _forked(state.lanes[event.parent], event)
    else:
        return state
    lanes = {**state.lanes, event.lane: lane}
    if not known and state.config:
        # The lanes' threads start at the same time, in any order.
        order = [lane.name for lane in state.config.lanes]
        lanes = dict(sorted(lanes.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order)))
    return msgspec.structs.replace(state, lanes=lanes)


def _started(state: RunState, event: LaneStarted) -> LaneState:
    """A lane that takes its first step."""
    rate = configured_rate(state, event.lane) if event.learning_rate is None else event.learning_rate
    return LaneState(
        name=event.lane,
        rule=event.rule,
        learning_rate=rate,
        starting_rate=rate,
        iterations=event.iterations,
        step=event.step,
        began=(event.step, event.seconds),
        pace=state.config.pace if state.config else None,
        clip_at=_planned_rules(state, event.lane),
        started=event.seconds,
        watched=state.watched,
    )


def _planned_rules(state: RunState, name: str) -> dict[int, str]:
    lanes = state.config.lanes if state.config else ()
    return next((lane.clip_at for lane in lanes if lane.name == name), {})


def configured_rate(run: RunStarted | RunState, lane: str) -> float | None:
    """The learning rate that the settings give a lane, as older recordings do; None if its optimizer is the user's."""
    if run.config is None or run.watched or run.experiment.own_optimizer:
        return None
    own = next((known.learning_rate for known in run.config.lanes if known.name == lane), None)
    return run.config.learning_rate if own is None else own


def _forked(parent: LaneState, event: LaneForked) -> LaneState:
    """A new lane, which continues its parent's."""
    return msgspec.structs.replace(
        parent,
        name=event.lane,
        rule=event.rule,
        learning_rate=event.learning_rate,
        parent=event.parent,
        forked_at=event.step,
        step=event.step,
        clip_at=event.clip_at,
        changed_at=(),
        rate_changed_at=(),
        reset_at=(),
        history=(*parent.history, event),
        rule_since=parent.rule_since if event.rule == parent.rule else event.step,
        own_clipped=(0, 0, event.step),
        began=(event.step, event.seconds),
        finished=None,
    )

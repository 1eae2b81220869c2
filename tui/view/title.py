"""The title: what a run trains, how far it is, and warnings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from rich.cells import cell_len
from textual.strip import Strip

from ...core.stream.builtin_experiments import LENET
from ...core.stream.config import RunConfig
from ...core.stream.events import DatasetInfo
from ...core.stream.experiment_info import Value
from ...core.stream.state import RunState
from ..style.theme import Theme
from ..text.number_format import duration
from ..text.resource_words import resource_words
from ..text.setting_words import next_words, run_name, setting_words
from ..text.wording import replay_speed_words, speed_limit_words
from .bar import Part, bar, needed_cells
from .run_view import RunView

# The title explains its warnings from this width on.
_WIDE = 100


def title(
    view: RunView,
    width: int,
    theme: Theme,
    *,
    next_settings: Mapping[str, Value] = MappingProxyType({}),
    waited: Mapping[str, float] = MappingProxyType({}),
    visible: range = range(0),
) -> Strip:
    """Experiment, seed, settings, step, state, speed and warnings, and the lanes `visible` if some do not fit.

    Before a run starts: the stages of its preparation, each with the seconds that it has `waited`.
    """
    state = view.state
    name = Part("clipwatch", theme.strong, 7)
    stopped = Part(" engine stopped " if view.engine_gone else "", theme.alert, 1)
    if state.config is None or state.dataset is None:
        file = Part(state.download.file if state.download else "", theme.muted, 8)
        return bar([name, Part(_preparing(state, waited), theme.text), file], [stopped], width, theme)
    config, dataset = state.config, state.dataset
    experiment = state.experiment.name
    settings = setting_words(state.experiment, config.settings)
    later = ", ".join(
        next_words(experiment, *one) for one in next_settings.items() if config.settings.get(one[0]) != one[1]
    )
    warnings = _warnings(config, dataset, state, width, theme)
    parts = [
        name,
        Part(run_name(state), theme.strong),
        Part("" if state.watched else f"seed {config.seed}", theme.text, 3),
        Part(settings, theme.muted, 6),
        Part(f"(next: {later})" if later else "", theme.text, 5),
        step := Part(_steps(state)[0], theme.text, 2),
        Part(_lanes(visible, len(state.lanes)), theme.strong),
        stopped if view.engine_gone else Part(_status(state), theme.strong, 1),
        Part(_speed(view), theme.muted, 4),
        Part(_resources(state), theme.muted, 5),
        Part("0: full speed" if _has_speed_limit(state) else "", theme.muted, 8),
    ]
    others = [part for part in (*parts, *warnings) if part.text and part.rank <= step.rank and part is not step]
    room = width - needed_cells(others) - 2
    steps = next((form for form in _steps(state) if cell_len(form) <= room), step.text)
    shown = [replace(part, text=steps) if part is step else part for part in parts]
    return bar(shown, warnings, width, theme)


def _warnings(config: RunConfig, dataset: DatasetInfo, state: RunState, width: int, theme: Theme) -> list[Part]:
    """Warnings about the run: a replay, a substitute data set, a change mid-run, a process without a sign of life."""
    is_auto = state.experiment.name == LENET.info.name and config.settings.get("dataset") == "auto"
    stands_in = is_auto and dataset.name == "digits"
    return [
        Part(_replayed(state, width), theme.alert),
        Part(" embedded digits, not MNIST " if stands_in else "", theme.alert),
        Part(
            f" {_change_warning(state, width)} " if state.changed_mid_run and not state.watched else "", theme.alert, 1
        ),
        Part(_process(state), theme.alert),
    ]


def _preparing(state: RunState, waited: Mapping[str, float]) -> str:
    download = state.download
    if download is None:
        return ", ".join(f"{stage} {waited.get(stage, 0.0):.1f} s" for stage in stages(state))
    seconds = f"{waited.get(stages(state)[0], 0.0):.1f} s"
    if not download.total:
        return f"downloading {download.received / 1e6:.1f} MB {seconds}"
    share = min(1.0, max(0.0, download.received / download.total))
    filled = round(20 * share)
    progress, megabytes = "#" * filled + "." * (20 - filled), download.total / 1e6
    return f"downloading {share * megabytes:.1f} of {megabytes:.1f} MB [{progress}] {seconds}"


def stages(state: RunState) -> list[str]:
    """The stages of the preparation that are going on at the same time."""
    return state.stage.split(" and ")


def _replayed(state: RunState, width: int) -> str:
    if state.replay is None:
        return ""
    return f" replay of {state.replay.run} " if width >= _WIDE else " replay "


def _process(state: RunState) -> str:
    """A process that trains the run elsewhere, if it does not do so in good order."""
    if state.attached is None:
        return ""
    silent = f" no sign of life for {duration(state.attached.silent)} "
    return {"silent": silent, "gone": " process gone "}.get(state.attached.process, "")


def _change_warning(state: RunState, width: int) -> str:
    """The warning about a change mid-run; narrow titles leave out which change, so that the seed fits."""
    if width < _WIDE:
        return "changed mid-run"
    lanes = state.lanes.values()
    rule_changed, rate_changed = (any(lane.changed_at for lane in lanes), any(lane.rate_changed_at for lane in lanes))
    what = "rule changed" if rule_changed else "learning rate changed" if rate_changed else "optimizer state reset"
    return f"{what} mid-run: not a clean comparison"


def _lanes(visible: range, count: int) -> str:
    """Which lanes are in sight if not all are, and the key that shows the others."""
    if not 0 < len(visible) < count:
        return ""
    which = f"{visible.stop}" if len(visible) == 1 else f"lanes {visible.start + 1} to {visible.stop}"
    return f"{which} of {count} · tab"


def _steps(state: RunState) -> tuple[str, ...]:
    """The step that all lanes have reached, in forms from long to short.

    A lane that has failed stays behind for ever, so it does not count.
    """
    lanes = state.lanes.values()
    training, ended = [lane.step for lane in lanes if not lane.ended], [lane.step for lane in lanes if lane.ended]
    step = min(training) if training else max(ended, default=0)
    planned = [lane.planned for lane in lanes]
    if None in planned:
        return (f"step {step:,}",)
    whole = f"{step:,} / {max(filter(None, planned), default=0):,}"
    return f"step {whole}", whole, f"step {step:,}"


def _resources(state: RunState) -> str:
    """What a run uses that has not ended."""
    has_ended = state.finished or (state.attached and state.attached.process in ("gone", "ended"))
    return resource_words(state.resources) if state.resources and not has_ended else ""


def _status(state: RunState) -> str:
    if state.finished:
        return state.finished.reason
    if state.attached and state.attached.process == "gone":
        return "interrupted"
    watching = "watching · " if state.attached else ""
    kinds = {lane.status for lane in state.lanes.values()}
    for kind in ("training", "stepping", "paused"):
        if kind in kinds:
            return "replaying" if state.replay and kind == "training" else f"{watching}{kind}"
    return "done" if kinds else "starting"


def _speed(view: RunView) -> str:
    mean = view.steps_per_second
    if replay := view.state.replay:
        # The speed is that of the recorded training.
        shown = f"{mean * replay.speed:,.0f} steps/s, " if mean and replay.speed else ""
        return f"{shown}{replay_speed_words(replay.speed)}"
    if view.state.attached and view.state.attached.process in ("gone", "ended"):
        return ""
    paces = {lane.pace for lane in view.state.lanes.values()}
    if len(paces) != 1:
        return ""
    pace = paces.pop()
    if not mean:
        return speed_limit_words(pace)
    speed = f"{mean:,.0f}"
    words = "full speed" if pace is None else "speed limit" if speed == f"{pace:,g}" else f"speed limit {pace:g}"
    return f"{speed} steps/s ({words})"


def _has_speed_limit(state: RunState) -> bool:
    """Whether lanes train more slowly than they could, which a key changes."""
    is_elsewhere = state.attached and state.attached.unsteerable
    return (
        not state.replay
        and not is_elsewhere
        and any(lane.pace and lane.status == "training" for lane in state.lanes.values())
    )

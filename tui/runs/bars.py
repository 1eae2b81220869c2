"""The lines around the list of runs: its title, the details of the selected recording, and the keys."""

from __future__ import annotations

from collections.abc import Mapping

from textual.strip import Strip

from ...core.runs.folder import LaneOutcome, Manifest
from ...core.stream.builtin_experiments import LENET
from ...core.stream.experiment_info import LOSS, ExperimentInfo
from ...core.stream.fork_words import fork_words
from ...core.sweeps.listing import Recording
from ...core.sweeps.overview import FirstComparison, SweepOverview
from ...core.sweeps.tree import origin_words
from ..style.theme import Theme
from ..text.lane_names import lane_names
from ..text.metric_words import difference_words, figure
from ..text.number_format import number_of
from ..view.bar import Part, bar
from ..view.key_line import key_line
from .cells import main_value, rule_cell, shared_cells, started
from .keys import KEYS

PROMPT_KEYS = {
    "filter": (("enter", "back to the list"), ("escape", "show all")),
    "new name": (("enter", "rename"), ("escape", "cancel")),
}


def title(home: str, shown: int, total: int, filter: str, width: int, theme: Theme) -> Strip:
    """How many recordings are shown, of which folder, and the filter."""
    count = number_of(total, "recording") if shown == total else f"{shown:,} of {number_of(total, 'recording')}"
    return bar(
        [
            Part("clipwatch runs", theme.strong),
            Part(count, theme.text),
            Part(f" filter: {filter} " if filter else "", theme.alert, 1),
        ],
        [Part(f"{home} ", theme.muted, 2)],
        width,
        theme,
    )


def keys(asking: str, width: int, theme: Theme) -> Strip:
    """The keys and what they do, in the list or in the prompt that is `asking` for something."""
    if asking not in PROMPT_KEYS:
        return key_line({}, width, theme, keys=KEYS)
    return bar([Part(f"{key} {label}", theme.text) for key, label in PROMPT_KEYS[asking]], [], width, theme)


def details(recording: Recording | None, width: int, height: int, theme: Theme) -> list[Strip]:
    """The settings, and a line per lane of a run or the first comparison of a sweep; at most `height` lines."""
    if recording is None:
        return []
    found = recording.overview
    if isinstance(found, SweepOverview):
        trained = _of_sweep(found, width, theme)
    else:
        names = lane_names(lane.name for lane in found.lanes)
        trained = [_of_lane(number, lane, names, found, width, theme) for number, lane in enumerate(found.lanes)]
    lines = [_settings(recording, width, theme), *trained]
    if len(lines) > height:
        more = bar([Part(f"and {number_of(len(lines) - height + 1, 'more lane')}", theme.muted)], [], width, theme)
        return [*lines[: height - 1], more]
    return lines


def _settings(recording: Recording, width: int, theme: Theme) -> Strip:
    found = recording.overview
    data, settings, optimizer, state = shared_cells(recording)
    settings = f"head {settings}" if found.experiment.name == LENET.info.name else settings.strip("-")
    seed = "" if isinstance(found, SweepOverview) else "watched" if found.watched else f"seed {found.seed}"
    forked = origin_words(recording, 0)
    parts = [
        started(recording),
        data,
        settings,
        f"optimizer {optimizer}",
        seed,
        state,
        forked and f"forked from {forked}",
    ]
    ranked = [Part(part, theme.muted, rank) for rank, part in zip((6, 0, 4, 5, 3, 1, 2), parts, strict=True)]
    return bar(ranked, [], width, theme)


def _of_lane(
    number: int, lane: LaneOutcome, names: Mapping[str, str], run: Manifest, width: int, theme: Theme
) -> Strip:
    experiment = run.experiment
    name = f"{theme.glyphs.symbol(number)} {names[lane.name]}"
    if lane.failure:
        result = f"{lane.failure} at step {lane.step}"
    elif lane.loss is None:
        result = f"{lane.step:,} steps"
    else:
        value = None if experiment.main is LOSS else main_value(lane, experiment)
        also = "" if value is None else f"   {figure(experiment.main, value)}"
        result = f"{lane.step:,} steps   loss {lane.loss:.4f}{also}"
    forked = fork_words(names.get(lane.parent or "", lane.parent), lane.forked_at)
    parts = [
        Part(name, theme.lane(number, bold=True)),
        Part(rule_cell(lane, run), theme.text, 1),
        Part(forked, theme.muted, 2),
        Part(result, theme.text),
    ]
    return bar(parts, [], width, theme)


def _of_sweep(sweep: SweepOverview, width: int, theme: Theme) -> list[Strip]:
    settings, seeds = number_of(sweep.settings, "setting"), number_of(sweep.seeds, "seed")
    diverged = f", {sweep.diverged:,} diverged" if sweep.diverged else ""
    progress = f"{sweep.done:,} of {number_of(sweep.total, 'training')} done{diverged}"
    parts = [Part("sweep", theme.strong), Part(f"{settings} x {seeds}", theme.text, 1), Part(progress, theme.text)]
    lines = [bar(parts, [], width, theme)]
    if compared := sweep.comparison:
        figures = ", ".join(filter(None, (_main_difference(compared, sweep.experiment), f"loss {compared.nats:+.3f}")))
        over = f"(mean of {number_of(compared.seeds, 'seed')})"
        lines.append(bar([Part(compared.name, theme.text)], [], width, theme))
        lines.append(bar([Part(figures, theme.strong), Part(over, theme.muted, 1)], [], width, theme))
    return lines


def _main_difference(compared: FirstComparison, experiment: ExperimentInfo) -> str:
    main = experiment.main
    if main is LOSS:
        return ""
    return f"{main.words} " + (
        f"{100 * compared.main:+.1f} percentage points" if main.share else difference_words(main, compared.main)
    )

"""The table of a run's settings, compared with those of the assignment or with the experiment's defaults."""

from __future__ import annotations

from collections.abc import Iterator

from ..stream.builtin_experiments import BUILT_IN
from ..stream.config import OF_OPTIMIZER, RunConfig, from_options
from ..stream.experiment_info import MetricInfo
from ..stream.lane_config import LaneConfig
from ..stream.rules import (
    AdaptiveClip,
    AutoClip,
    LayerNormClip,
    NoClip,
    NormClip,
    SignClip,
    UnknownRule,
    ValueClip,
    ZClip,
    recorded_rule,
)
from .blocks import Table
from .metric_words import cell, dataset_words, examples_words, file_words
from .phrases import Words
from .run_summary import FinalResult, RunSummary

ASTERISK = " *"
# The fields of a run's settings that are numbers.
_NUMBERS = ("iterations", "batch_size", "eval_every", "eval_size", "learning_rate", "beta1")


def settings_table(run: RunSummary, words: Words) -> Table:
    """Every setting that affects the results. An asterisk marks a value that differs from the assignment's or, for
    another built-in experiment, from its default. A user's experiment has none to compare with.
    """
    expected = from_options({"experiment": run.config.experiment}) if run.config.experiment in BUILT_IN else None
    header = tuple(words.plain(key) for key in ("setting", "this_run", compared_with(run)))
    rows = (*_data_rows(run, words), *_training_rows(run, expected, words), *_machine_rows(run, words))
    if expected is None:
        return Table(header[:2], tuple(row[:2] for row in rows))
    return Table(header, rows)


def compared_with(run: RunSummary) -> str:
    """The key of what the settings are compared with."""
    return "assignment" if run.is_assignment else "default"


def rule_words(rule: str, words: Words) -> str:
    """The description of a clip rule."""
    match recorded_rule(rule):
        case NoClip():
            return words.plain("rule_none")
        case ValueClip(low=low, high=high):
            lower = words.plain("no_lower_bound") if low is None else f"{low:g}"
            upper = words.plain("no_upper_bound") if high is None else f"{high:g}"
            return words.plain("rule_value", low=lower, high=upper)
        case NormClip(bound=bound):
            return words.plain("rule_norm", bound=f"{bound:g}")
        case LayerNormClip(bound=bound):
            return words.plain("rule_layer_norm", bound=f"{bound:g}")
        case AdaptiveClip(ratio=ratio):
            return words.plain("rule_agc", ratio=f"{ratio:g}")
        case AutoClip(percentile=percentile):
            return words.plain("rule_autoclip", percentile=f"{percentile:g}")
        case ZClip(threshold=threshold):
            return words.plain("rule_zclip", threshold=f"{threshold:g}")
        case SignClip():
            return words.plain("rule_sign")
        case UnknownRule():
            return rule


def final_words(final: FinalResult | None, metric: MetricInfo) -> str:
    """The final value of a metric with its 95 % interval if it has one, or a dash."""
    if final is None:
        return "-"
    value, interval = cell(metric, final.of_metric(metric)), final.interval_of(metric)
    return f"{value} ({interval[0]:.3f}\N{EN DASH}{interval[1]:.3f})" if interval else value


def origin_words(origin: str, words: Words) -> str:
    """The origin of the data, without the path of a local folder, which does not belong in a report."""
    return words.plain("own_files") if origin.startswith("files in ") else origin


def _data_rows(run: RunSummary, words: Words) -> list[tuple[str, ...]]:
    data, files = run.recorded.started.dataset, file_words(run.experiment)
    counts = f"{_count(data.training, words)} / {data.validation:,}"
    rows = []
    if run.experiment.file:
        rows = [
            _row(words.plain("set_file"), files["file"]),
            _row(words.plain("set_file_checksum"), files["checksum"][:16]),
        ]
    elif "dataset" in run.config.settings:
        origin = f"{dataset_words(data.name, words)} ({origin_words(data.origin, words)})"
        rows = [_row(words.plain("set_dataset"), origin, "MNIST", same=data.name == "mnist")]
    examples = words.plain("set_images", examples=examples_words(run.experiment, words))
    any_seed = words.plain("any")
    return [
        *rows,
        _row(examples, counts, "55,000 / 5,000" if run.is_assignment else None),
        _row(words.plain("set_seed"), str(run.config.seed), any_seed, same=True),
    ]


def _count(number: int | None, words: Words) -> str:
    return words.plain("new_every_step") if number is None else f"{number:,}"


def _training_rows(run: RunSummary, expected: RunConfig | None, words: Words) -> list[tuple[str, ...]]:
    config = run.config
    rows: list[tuple[str, ...]] = []
    for name in (*_NUMBERS, *config.settings, "optimizer", "nonfinite", "reset_moments"):
        if name == "dataset" or (name == "beta1" and not _uses_adam(config, expected)):
            continue
        if run.experiment.own_optimizer and name in OF_OPTIMIZER:
            continue
        values = [_value(each, name, words) for each in (config, expected) if each]
        rows.append(_row(setting_name(name, words), *values))
    rules = {lane.name: rule_words(lane.rule, words) for lane in expected.lanes} if expected else {}
    for lane in config.lanes:
        name = words.plain("set_lane", lane=lane.name)
        rows.append(_row(name, rule_words(lane.rule, words), rules.get(lane.name, "-") if expected else None))
        rows += _own_rows(lane, run, expected, words)
    return rows


def _own_rows(lane: LaneConfig, run: RunSummary, expected: RunConfig | None, words: Words) -> Iterator[tuple[str, ...]]:
    """What a lane has of its own beside the rule that it starts with."""
    for name in lane.own_settings:
        values = [_value(each, name, words) for each in (run.config.for_lane(lane), expected) if each]
        yield _row(words.plain("set_of_lane", setting=setting_name(name, words), lane=lane.name), *values)
    for step, rule in lane.clip_at.items():
        name = words.plain("set_lane_later", lane=lane.name, step=f"{step:,}")
        yield _row(name, rule_words(rule, words), "-" if expected else None)


def setting_name(name: str, words: Words) -> str:
    """The name of a setting of a run or of an experiment."""
    return words.known(f"set_{name}", name.replace("_", " "))


def _uses_adam(*configs: RunConfig | None) -> bool:
    return any(config is not None and config.optimizer == "adam" for config in configs)


def _machine_rows(run: RunSummary, words: Words) -> list[tuple[str, ...]]:
    started = run.recorded.started
    versions = ", ".join(f"{name} {version}" for name, version in started.versions.items())
    values = {"device": started.device, "versions": versions, "checksum": started.dataset.checksum[:16]}
    return [_row(words.plain(f"set_{key}"), value, words.plain("any"), same=True) for key, value in values.items()]


def _value(config: RunConfig, name: str, words: Words) -> str:
    value = config.settings.get(name, getattr(config, name, "-"))
    if name == "eval_every":
        return words.plain("steps", count=value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:g}" if is_number else words.known(f"{name}_{value}", str(value))


def _row(name: str, value: str, expected: str | None = None, *, same: bool | None = None) -> tuple[str, ...]:
    """A row of the table; without an `expected` value there is nothing to compare with."""
    if expected is None:
        return (name, value, "-")
    differs = value != expected if same is None else not same
    return (name, f"{value}{ASTERISK}" if differs else value, expected)

"""The table of a run's settings, compared with those of the assignment."""

from __future__ import annotations

from ..stream.config import RunConfig
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
from .phrases import Words
from .run_summary import FinalResult, LaneSummary, RunSummary

ASTERISK = " *"
_DATASETS = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "Kuzushiji-MNIST",
    "qmnist": "QMNIST",
}
_NUMBERS = ("iterations", "batch_size", "eval_every", "eval_size", "learning_rate", "beta1", "init_std")


def settings_table(run: RunSummary, words: Words) -> Table:
    """Every setting that affects the results. An asterisk marks a value that differs from the assignment's."""
    header = tuple(words.plain(key) for key in ("setting", "this_run", "assignment"))
    return Table(header, (*_data_rows(run, words), *_training_rows(run.config, words), *_machine_rows(run, words)))


def dataset_words(name: str, words: Words) -> str:
    """The name of a dataset in a report."""
    return words.plain("digits_name") if name == "digits" else _DATASETS.get(name, name)


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


def lane_rule_words(lane: LaneSummary, words: Words) -> str:
    """The rule that a lane started with, marked if it changed mid-run."""
    rule = rule_words(lane.rule, words)
    return words.plain("with_changes", what=rule) if lane.changed_at else rule


def accuracy_words(final: FinalResult | None) -> str:
    """The final accuracy with its 95 % interval, or a dash."""
    return f"{final.accuracy:.3f} ({final.low:.3f}\N{EN DASH}{final.high:.3f})" if final else "-"


def origin_words(origin: str, words: Words) -> str:
    """The origin of the data, without the path of a local folder, which does not belong in a report."""
    return words.plain("own_files") if origin.startswith("files in ") else origin


def _data_rows(run: RunSummary, words: Words) -> list[tuple[str, ...]]:
    data = run.recorded.started.dataset
    images = f"{data.training:,} / {data.validation:,}"
    return [
        _row(
            words.plain("set_dataset"),
            f"{dataset_words(data.name, words)} ({origin_words(data.origin, words)})",
            "MNIST",
            same=data.name == "mnist",
        ),
        _row(words.plain("set_images"), images, "55,000 / 5,000"),
        _row(words.plain("set_seed"), str(run.config.seed), words.plain("any"), same=True),
    ]


def _training_rows(config: RunConfig, words: Words) -> list[tuple[str, ...]]:
    assignment = RunConfig()
    rows = [
        _row(words.plain(f"set_{name}"), _value(config, name, words), _value(assignment, name, words))
        for name in _NUMBERS
    ]
    heads = (words.plain(f"head_{each.settings['head']}") for each in (config, assignment))
    rows.append(_row(words.plain("set_head"), *heads))
    for name in ("optimizer", "nonfinite", "reset_moments"):
        choices = (words.plain(f"{name}_{getattr(each, name)}") for each in (config, assignment))
        rows.append(_row(words.plain(f"set_{name}"), *choices))
    rules = {lane.name: rule_words(lane.rule, words) for lane in assignment.lanes}
    for lane in config.lanes:
        name = words.plain("set_lane", lane=lane.name)
        rows.append(_row(name, rule_words(lane.rule, words), rules.get(lane.name, "-")))
    return rows


def _machine_rows(run: RunSummary, words: Words) -> list[tuple[str, ...]]:
    started = run.recorded.started
    versions = ", ".join(f"{name} {version}" for name, version in started.versions.items())
    values = {"device": started.device, "versions": versions, "checksum": started.dataset.checksum[:16]}
    return [_row(words.plain(f"set_{key}"), value, words.plain("any"), same=True) for key, value in values.items()]


def _value(config: RunConfig, name: str, words: Words) -> str:
    value = config.settings.get(name, getattr(config, name, None))
    return words.plain("steps", count=value) if name == "eval_every" else f"{value:g}"


def _row(name: str, value: str, expected: str, *, same: bool | None = None) -> tuple[str, ...]:
    differs = value != expected if same is None else not same
    return (name, f"{value}{ASTERISK}" if differs else value, expected)

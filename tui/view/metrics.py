"""What a chart can show: the series of a run with their titles, scales and units, in the order of interest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ...core.stream.builtin_experiments import ACCURACY, BUILT_IN, LENET
from ...core.stream.config import RunConfig
from ...core.stream.experiment_info import ExperimentInfo, MetricInfo
from ...core.stream.rules import NoClip, RecordedRule, SignClip, ValueClip

# When a series has a value: at every step, at every evaluation, or when the effect of clipping is measured.
Cadence = Literal["step", "evaluation", "measurement"]
# The chart that is a heat map of histograms instead of curves.
HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """A series (see `core.stream.series`) as a chart shows it.

    `of` names what the values were measured on, for the title. `log`: the scale is logarithmic unless the user changes
    it. `limits` are values that the series cannot exceed. `percent`: values are shares. `counts`: they are integers.
    """

    name: str
    title: str
    of: Callable[[RunConfig | None], str] = lambda config: ""
    log: bool = False
    limits: tuple[float, float] | None = None
    percent: bool = False
    cadence: Cadence = "measurement"
    counts: bool = False

    def heading(self, config: RunConfig | None) -> str:
        """The title and what the values were measured on: `validation loss, 100 images`."""
        of = self.of(config)
        return f"{self.title}, {of}" if of else self.title

    def decimals(self, config: RunConfig | None) -> int | None:
        """The digits after the point that the values carry; None: as many as fit."""
        if self.counts:
            return 0
        if self.name != ACCURACY.name or config is None:
            return None
        return len(str(config.eval_size - 1))


def _batch(config: RunConfig | None) -> str:
    return f"batches of {config.batch_size:,}" if config else ""


def _evaluations(config: RunConfig | None) -> str:
    return f"{config.eval_every:,} steps each" if config and config.eval_every > 1 else ""


def _always(text: str) -> Callable[[RunConfig | None], str]:
    return lambda config: text


_SHARE, _COSINE = (0.0, 1.0), (-1.0, 1.0)
# What every experiment has; its metrics follow the loss.
_GRADIENT = (
    Metric("grad-norm", "gradient norm ‖g‖", _always("before clipping"), log=True, cadence="step"),
    Metric("clipped", "% of elements clipped", limits=_SHARE, percent=True),
    Metric(HISTOGRAM, "log10 |g|", _always("all elements")),
    Metric("clipped-norm", "gradient norm ‖ĝ‖", _always("after clipping"), log=True, cadence="step"),
    Metric("cosine", "cosine of g and ĝ", limits=_COSINE),
    Metric("steps-clipped", "% of steps clipped", _evaluations, limits=_SHARE, percent=True, cadence="evaluation"),
    Metric("step-size", "step size", _always("mean |Δw| / learning rate")),
    Metric("counterfactual-distance", "update distance", _always("from the counterfactual update"), percent=True),
    Metric("train-loss", "training loss", _batch, cadence="step"),
)
_LANES = (
    Metric("distance", "parameter distance", _always("L2, to the first lane")),
    Metric("disagreement", "predictions differ", _always("from the first lane"), limits=_SHARE, percent=True),
    Metric("update-ratio", "update ratio", _always("‖Δw‖ / ‖w‖"), log=True),
    Metric("sign-cosine", "sign cosine", _always("of ĝ and its signs"), limits=_SHARE),
    Metric("counterfactual-cosine", "update cosine", _always("to the counterfactual update"), limits=_COSINE),
)
# These gauges have limits, and come late, because the lanes' headings show them too.
_HEADING_GAUGES = {"dead-outputs": (0.0, float(LENET.classes)), "dead-units": None}
# Rules that scale all elements alike keep the direction, so whether a step is clipped says more than how many elements.
_LAST_IF_SCALED = ("clipped", "cosine", "sign-cosine")
_LAST_IF_ELEMENTWISE = ("steps-clipped",)
_LAST_IF_UNCLIPPED = ("clipped", "steps-clipped", "clipped-norm", "cosine", "counterfactual-distance")


@lru_cache
def metrics_of(experiment: ExperimentInfo) -> tuple[Metric, ...]:
    """All metrics of an experiment's runs. Cached, so that equal ones are identical."""

    def examples(config: RunConfig | None) -> str:
        return f"{config.eval_size:,} {experiment.examples}" if config else ""

    gauges = [_of_gauge(info) for info in experiment.gauges]
    early = [gauge for gauge in gauges if gauge.name not in _HEADING_GAUGES]
    late = [gauge for gauge in gauges if gauge.name in _HEADING_GAUGES]
    return (
        Metric("loss", "validation loss", examples, cadence="evaluation"),
        *(_of_evaluation(info, examples) for info in experiment.metrics),
        *map(_of_steps, experiment.step_metrics),
        _GRADIENT[0],
        *early,
        *_GRADIENT[1:],
        *late,
        *_LANES,
    )


def _of_steps(info: MetricInfo) -> Metric:
    limits = _SHARE if info.share else None
    return Metric(info.name, info.words, limits=limits, percent=info.share, cadence="step", counts=info.counts)


def _of_evaluation(info: MetricInfo, examples: Callable[[RunConfig | None], str]) -> Metric:
    percent = info.share and info.name != ACCURACY.name
    limits = _SHARE if info.share else None
    return Metric(info.name, info.words, examples, False, limits, percent, "evaluation", info.counts)


def _of_gauge(info: MetricInfo) -> Metric:
    limits = _SHARE if info.share else _HEADING_GAUGES.get(info.name)
    return Metric(info.name, info.words, limits=limits, percent=info.share, counts=info.counts)


# The names of the charts of all built-in experiments.
NAMES = tuple(dict.fromkeys(metric.name for built_in in BUILT_IN.values() for metric in metrics_of(built_in.info)))


def metric(name: str, experiment: ExperimentInfo = LENET.info) -> Metric:
    """The metric of this name. A series that the experiment does not describe is shown under its own name."""
    return next((one for one in metrics_of(experiment) if one.name == name), None) or Metric(name, name)


def by_interest(rules: Iterable[RecordedRule], experiment: ExperimentInfo = LENET.info) -> list[Metric]:
    """All metrics, first those that say most about lanes with these rules."""
    rules = list(rules)
    if all(isinstance(rule, NoClip) for rule in rules):
        last: Sequence[str] = _LAST_IF_UNCLIPPED
    elif any(isinstance(rule, ValueClip | SignClip) for rule in rules):
        last = _LAST_IF_ELEMENTWISE
    else:
        last = _LAST_IF_SCALED
    return sorted(metrics_of(experiment), key=lambda metric: metric.name in last)


# What a watched loop shows first: its loss, and what clipping does to its gradients.
_FIRST_IF_WATCHED = ("train-loss", "grad-norm", "loss", "steps-clipped", HISTOGRAM, "clipped-norm", "update-ratio")


def by_interest_watched(recorded: Collection[str], experiment: ExperimentInfo) -> list[Metric]:
    """All metrics of a watched loop, first those of which there are values. How it clips may be its own affair."""
    ranks = {name: rank for rank, name in enumerate(_FIRST_IF_WATCHED)}
    ranks |= dict.fromkeys((info.name for info in experiment.metrics), ranks["loss"])

    def rank(metric: Metric) -> tuple[bool, int]:
        return metric.name not in recorded, ranks.get(metric.name, len(ranks))

    return sorted(metrics_of(experiment), key=rank)

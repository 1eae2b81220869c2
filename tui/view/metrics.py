"""What a chart can show: the series of a run with their titles, scales and units, in the order of interest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ...core.stream.config import RunConfig
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
    of: Callable[[RunConfig], str] = lambda config: ""
    log: bool = False
    limits: tuple[float, float] | None = None
    percent: bool = False
    cadence: Cadence = "measurement"
    counts: bool = False

    def heading(self, config: RunConfig | None) -> str:
        """The title and what the values were measured on: `validation loss, 100 images`."""
        of = self.of(config) if config else ""
        return f"{self.title}, {of}" if of else self.title

    def decimals(self, config: RunConfig | None) -> int | None:
        """The digits after the point that the values carry; None: as many as fit."""
        if self.counts:
            return 0
        if self.name != "accuracy" or config is None:
            return None
        return len(str(config.eval_size - 1))


def _images(config: RunConfig) -> str:
    return f"{config.eval_size:,} images"


def _batch(config: RunConfig) -> str:
    return f"batches of {config.batch_size:,}"


def _evaluations(config: RunConfig) -> str:
    return f"{config.eval_every:,} steps each" if config.eval_every > 1 else ""


def _always(text: str) -> Callable[[RunConfig], str]:
    return lambda config: text


_SHARE, _COSINE = (0.0, 1.0), (-1.0, 1.0)
METRICS = (
    Metric("loss", "validation loss", _images, cadence="evaluation"),
    Metric("accuracy", "accuracy", _images, limits=_SHARE, cadence="evaluation"),
    Metric("grad-norm", "gradient norm ‖g‖", _always("before clipping"), log=True, cadence="step"),
    Metric("clipped", "% of elements clipped", limits=_SHARE, percent=True),
    Metric(HISTOGRAM, "log10 |g|", _always("all elements")),
    Metric("clipped-norm", "gradient norm ‖ĝ‖", _always("after clipping"), log=True, cadence="step"),
    Metric("cosine", "cosine of g and ĝ", limits=_COSINE),
    Metric("steps-clipped", "% of steps clipped", _evaluations, limits=_SHARE, percent=True, cadence="evaluation"),
    Metric("step-size", "step size", _always("mean |Δw| / learning rate")),
    Metric("counterfactual-distance", "update distance", _always("from the counterfactual update"), percent=True),
    Metric("train-loss", "training loss", _batch, cadence="step"),
    Metric("dead-outputs", "dead outputs", limits=(0.0, 10.0), counts=True),
    Metric("dead-units", "dead hidden units", counts=True),
    Metric("distance", "parameter distance", _always("L2, to the first lane")),
    Metric("disagreement", "predictions differ", _always("from the first lane"), limits=_SHARE, percent=True),
    Metric("update-ratio", "update ratio", _always("‖Δw‖ / ‖w‖"), log=True),
    Metric("sign-cosine", "sign cosine", _always("of ĝ and its signs"), limits=_SHARE),
    Metric("counterfactual-cosine", "update cosine", _always("to the counterfactual update"), limits=_COSINE),
)
NAMES = tuple(metric.name for metric in METRICS)
_BY_NAME = {metric.name: metric for metric in METRICS}
# Rules that scale all elements alike keep the direction, so whether a step is clipped says more than how many elements.
_LAST_IF_SCALED = ("clipped", "cosine", "sign-cosine")
_LAST_IF_ELEMENTWISE = ("steps-clipped",)
_LAST_IF_UNCLIPPED = ("clipped", "steps-clipped", "clipped-norm", "cosine", "counterfactual-distance")


def metric(name: str) -> Metric:
    """The metric of this name. A series that clipwatch does not know is shown under its own name."""
    return _BY_NAME.get(name) or Metric(name, name)


def by_interest(rules: Iterable[RecordedRule]) -> list[Metric]:
    """All metrics, first those that say most about lanes with these rules."""
    rules = list(rules)
    if all(isinstance(rule, NoClip) for rule in rules):
        last: Sequence[str] = _LAST_IF_UNCLIPPED
    elif any(isinstance(rule, ValueClip | SignClip) for rule in rules):
        last = _LAST_IF_ELEMENTWISE
    else:
        last = _LAST_IF_SCALED
    return sorted(METRICS, key=lambda metric: metric.name in last)

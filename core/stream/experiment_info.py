"""What a run says of its experiment: its name, and how its metrics and gauges are shown."""

from __future__ import annotations

import msgspec

from ..safe_text import printable

# A setting of an experiment.
Value = bool | int | float | str


def value_text(value: Value) -> str:
    """The value of a setting as it is shown: `true`, `0.001`, any other text on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else printable(str(value))


class MetricInfo(msgspec.Struct, frozen=True):
    """A number that an evaluation or a gauge gives, and how it is shown.

    `name` is the name of its series: lower-case words joined by dashes. `share`: it lies between 0 and 1 and is shown
    in percent. `counts`: it is an integer. `lower_is_better` decides what is called better; None says nothing. A task
    is solved if this value or a better one is reached at the end: `solved_at`; None if there is no such threshold.
    """

    name: str
    title: str = ""
    share: bool = False
    counts: bool = False
    lower_is_better: bool | None = None
    solved_at: float | None = None

    def solves(self, value: float) -> bool:
        """Whether this value reaches the threshold."""
        if self.solved_at is None:
            return False
        return value <= self.solved_at if self.lower_is_better else value >= self.solved_at

    @property
    def words(self) -> str:
        """The title, or else the name in words; a recording may hold any text."""
        return printable(self.title or self.name.replace("-", " "))


LOSS = MetricInfo("loss", lower_is_better=True)


class ExperimentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment as its recordings describe it, so that they can be shown without it.

    `examples`: what the data consists of, in the plural: images, sequences. `metrics`: what an evaluation gives beside
    the loss, the most important first. `gauges`: what is measured of the network beside the effect of clipping.
    `step_metrics`: what a watched loop gives at single steps beside the loss.
    `file` and `checksum` (SHA-256) tell which file of the user defined it, and `defaults` its settings where none are
    given, as `NAME=VALUE`; those of built-in experiments are in `builtin_experiments`. With
    `own_optimizer`, it makes its optimizer itself, whatever the run's settings say.
    """

    name: str
    examples: str = "examples"
    metrics: tuple[MetricInfo, ...] = ()
    gauges: tuple[MetricInfo, ...] = ()
    file: str | None = None
    checksum: str | None = None
    own_optimizer: bool = False
    defaults: tuple[str, ...] = ()
    step_metrics: tuple[MetricInfo, ...] = ()

    @property
    def main(self) -> MetricInfo:
        """What results are compared by: the first metric, or the loss if there is none."""
        return self.metrics[0] if self.metrics else LOSS

    def with_metric(self, metric: MetricInfo, *, of_steps: bool) -> ExperimentInfo:
        """The same with one more metric of evaluations or of steps, which replaces one of its name."""
        field = "step_metrics" if of_steps else "metrics"
        others = (known for known in getattr(self, field) if known.name != metric.name)
        return msgspec.structs.replace(self, **{field: (*others, metric)})

    def gauge(self, name: str) -> MetricInfo | None:
        """The gauge of this name; None if the experiment does not have it."""
        return next((gauge for gauge in self.gauges if gauge.name == name), None)

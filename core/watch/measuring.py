"""Measures what clipping does at some steps of a watched loop, by layer; see `diagnostics.clip_effect`.

The loop's thread only copies a sample of each vector. The figures are computed by the thread that writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import torch
from torch import Tensor
from torch.optim import Optimizer

from ..diagnostics.clip_effect import ClipEffect
from ..optimizers.adam_counterfactual import AdamCounterfactual, is_followed_by_moments
from ..optimizers.sgd_counterfactual import SgdCounterfactual, is_followed_by_velocity
from ..stream.measures import Measure
from .host_copy import HostCopy
from .left_gradients import LeftGradients
from .parameters import WatchedParameters
from .sample import MOST_ELEMENTS, Sample
from .step_log import Number

Counterfactual = AdamCounterfactual | SgdCounterfactual
Measures = tuple[Measure, dict[str, Measure]]


@dataclass
class _Step:
    """The vectors of the step that is being measured."""

    raw: Tensor
    before: Tensor
    rates: Sequence[float]
    norms: Tensor | None
    by_loop: bool
    used: Tensor | None = None
    used_norms: Tensor | None = None


class Measuring:
    """Measures one lane. Call the methods in their order, `before_clip` and `after_clip` at every step."""

    def __init__(self, parameters: WatchedParameters, optimizer: Optimizer, tell: Callable[[str], None]) -> None:
        self._parameters, self._optimizer, self._tell = parameters, optimizer, tell
        self._sample: Sample | None = None
        self._notice_subjects: set[str] = set()
        self._step: _Step | None = None
        self._raw: Tensor | None = None
        self._scale: Number = 1.0
        self._counterfactual: Counterfactual | None = None
        self._follows = False

    def set_rule(self, rule: str | None) -> None:
        """From now on this rule clips. What the optimizer would have done without one is followed."""
        self._follows = rule is not None

    def reset(self) -> None:
        """The optimizer's state was reset."""
        if self._counterfactual:
            self._counterfactual.reset()

    def before_clip(
        self, measured: bool, scale: Number, left: LeftGradients | None = None, left_scale: float = 1.0
    ) -> None:
        """Copy what is needed before the rule clips. `left`: what backward left, if the loop has clipped since.

        The gradients are `scale` times the loop's own by a GradScaler, and what backward left `left_scale` times.
        """
        self._raw, self._step, self._scale = None, None, scale
        sample = self._present_sample() if measured or self._counterfactual else None
        if sample is None:
            return
        gradients = sample.present_gradients() if left is None else left.of(sample.parameters)
        divisor = scale if left is None else left_scale
        self._raw = _divided(sample.take(gradients), divisor)
        if measured:
            exact = _divided(sample.norms(gradients), divisor) if sample.stride > 1 else None
            rates = sample.by_layer(self._rates(sample))
            used = self._raw if left is None else None
            self._step = _Step(self._raw, sample.values(), rates, exact, left is not None, used)

    def about_to_clip(self) -> None:
        """The rule is about to write to the gradients: the last moment at which both optimizers agree."""
        sample = self._present_sample() if self._follows else None
        if sample is None or self._counterfactual or "counterfactual" in self._notice_subjects:
            return
        self._counterfactual = self._start(sample)
        if self._counterfactual and self._raw is None:
            self._raw = self._gradients(sample)

    def after_clip(self, changed: bool | Tensor) -> None:
        """Copy what the optimizer gets."""
        if self._counterfactual and self._raw is not None:
            self._counterfactual.update_state(self._raw)
        if (step := self._step) is None or self._sample is None:
            return
        if changed is not False or step.used is None:
            step.used = self._gradients(self._sample)
            if step.norms is not None:
                step.used_norms = _divided(self._sample.norms(self._sample.present_gradients()), self._scale)

    def after_step(self) -> Callable[[], Measures] | None:
        """Copy the updated parameters; returns a function that computes the measures. None if nothing was measured."""
        step, sample = self._step, self._sample
        self._step = None
        if step is None or sample is None or step.used is None:
            return None
        vectors = [step.raw, step.before, sample.values()]
        if step.used is not step.raw:
            vectors.append(step.used)
        if self._counterfactual:
            vectors.append(self._counterfactual.parameter_update(step.before))
        arriving = HostCopy(torch.stack(vectors))
        used_place = 3 if step.used is not step.raw else 0
        follows = self._counterfactual is not None
        norms = None
        if step.norms is not None:
            used_norms = step.norms if step.used_norms is None else step.used_norms
            norms = HostCopy(torch.stack([step.norms, used_norms]))
        by_loop = step.by_loop

        def measures() -> Measures:
            total, layers = _measures(sample, arriving, used_place, follows, step.rates, norms)
            # Clipping by a loop lowers the norm. Gradients that are still scaled are larger, and were not clipped.
            if by_loop and total.clipped_norm > total.norm:
                total, *rest = (msgspec.structs.replace(each, changed=0) for each in (total, *layers.values()))
                layers = dict(zip(layers, rest, strict=True))
            return total, layers

        return measures

    def _present_sample(self) -> Sample | None:
        """The sample of the parameters that train now; None if their gradients cannot be measured by layer."""
        training = self._parameters.training()
        if self._sample is None or self._sample.is_of_others(training.values()):
            self._sample, self._counterfactual = None, None
            if self._parameters.why_not_measured(training):
                return None
            self._sample = Sample(training, self._parameters.layer, MOST_ELEMENTS)
            if self._sample.stride > 1:
                self._say_once(
                    "sample",
                    f"measured by layer: every {self._sample.stride}th element of each gradient, "
                    f"{sum(self._sample.sizes):,} in all; norms are of all elements",
                )
        return self._sample

    def _gradients(self, sample: Sample) -> Tensor:
        return _divided(sample.take(sample.present_gradients()), self._scale)

    def _rates(self, sample: Sample) -> list[float]:
        rates = {
            id(each): float(group.get("lr") or 0.0)
            for group in self._optimizer.param_groups
            for each in group["params"]
        }
        return [rates.get(id(each), 0.0) for each in sample.parameters]

    def _start(self, sample: Sample) -> Counterfactual | None:
        given = (sample.values(), sample.views, self._optimizer, sample.parameters, sample.part)
        if is_followed_by_moments(self._optimizer, sample.parameters):
            return AdamCounterfactual(*given)
        if is_followed_by_velocity(self._optimizer, sample.parameters):
            return SgdCounterfactual(*given)
        self._say_once(
            "counterfactual",
            f"the counterfactual update is left out: it is known for SGD, Adam and AdamW, "
            f"not for {type(self._optimizer).__name__} as it is set here",
        )
        return None

    def _say_once(self, about: str, text: str) -> None:
        if about not in self._notice_subjects:
            self._notice_subjects.add(about)
            self._tell(text)


def _divided(vector: Tensor, scale: Number) -> Tensor:
    return vector if isinstance(scale, float) and scale == 1.0 else vector / scale


class _Known:
    """An optimizer whose counterfactual update was computed at the step itself."""

    def __init__(self, update: Tensor) -> None:
        self._update = update

    def copy(self) -> _Known:
        return self

    def parameter_update(self, before: Tensor) -> Tensor:
        return self._update


def _measures(
    sample: Sample,
    arriving: HostCopy,
    used_place: int,
    follows: bool,
    rates: Sequence[float],
    norms: HostCopy | None,
) -> Measures:
    """The measures in total and by layer, with each layer's own learning rate and with exact norms."""
    vectors = arriving.wait().unbind()
    raw, before, after = vectors[:3]
    effect = ClipEffect(sample.layout)
    if follows:
        effect.start_counterfactual(_Known(vectors[-1]))  # pyright: ignore[reportArgumentType]
    total, layers = effect.measure(raw, vectors[used_place], before, after, 1.0)
    exact = norms.wait().T.tolist() if norms else [None] * len(rates)
    corrections = zip([*layers.values(), total], rates, exact, strict=True)
    found = [_corrected(*each) for each in corrections]
    return found[-1], dict(zip(layers, found, strict=False))


def _corrected(measure: Measure, rate: float, norms: Sequence[float] | None) -> Measure:
    size = measure.step_size
    changes = {"step_size": size / rate if size is not None and rate > 0 else None}
    if norms:
        changes |= {"norm": norms[0], "clipped_norm": norms[1]}
    return msgspec.structs.replace(measure, **changes)

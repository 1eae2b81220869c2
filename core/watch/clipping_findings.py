"""What a loop does to its gradients between `backward` and the optimizer, from the comparisons of measured steps.

A norm that was clipped equals the bound, or almost: `clip_grad_norm_` leaves bound * n / (n + 1e-6) of a norm n. So
several steps with different norms before and the same norm after show the bound of the norm, and several with the same
largest |g| after that of the elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from ..stream.watch_events import Finding
from .comparison import Comparison

# So many steps have to agree before anything is said.
ENOUGH = 3
# Norms before clipping have to differ by more than this, or nothing follows from equal ones after it.
_DIFFERENT = 1e-3
# `clip_grad_norm_` divides by the norm and this.
_TORCH_EPSILON = 1e-6

Kind = Literal["unseen", "empty", "untouched", "unchanged", "scaled", "clamped", "changed"]
_CHANGES: tuple[Kind, ...] = ("scaled", "clamped", "changed")


class Found(NamedTuple):
    """A finding, the figures of its sentence, and the names of the parameters that it is about."""

    finding: Finding
    figures: Mapping[str, float]
    names: tuple[str, ...] = ()


class _Bound(NamedTuple):
    """A bound, and at how many steps the gradient was clipped to it."""

    bound: float
    engaged: int

    @property
    def is_round(self) -> bool:
        """Whether it is close to a number of two digits, as people write bounds."""
        return math.isclose(float(f"{self.bound:.1e}"), self.bound, rel_tol=1e-4)

    @property
    def readable(self) -> float:
        """The bound without the deviation of torch, where it is a round number."""
        return float(f"{self.bound:.1e}") if self.is_round else self.bound


def kind(step: Comparison) -> Kind:
    """What became of the gradients at one step.

    `unseen`: it is unknown. `empty`: they were 0 or not finite, which shows nothing. `untouched`: nothing wrote to
    them. `unchanged`: something did, but changed nothing. `scaled`: all elements by one factor. `clamped`: the large
    elements to one size. `changed`: anything else.
    """
    if step.norm is None:
        return "unseen"
    if not (0 < step.norm < math.inf and math.isfinite(step.used_norm)):
        return "empty"
    if step.equal:
        return "unchanged" if step.written else "untouched"
    if step.ratios[0] > 0 and all(math.isclose(each, _factor(step), rel_tol=step.precision) for each in step.ratios):
        return "scaled"
    return "clamped" if step.clamped and step.used_norm < step.norm else "changed"


def clipping(steps: Sequence[Comparison]) -> Found | None:
    """What the loop does at these steps, oldest first; None as long as too few of them agree."""
    kinds = [kind(step) for step in steps]
    if kinds[-ENOUGH:] == ["unseen"] * ENOUGH:
        return _not_seen(steps[-1])
    seen = [step for step, one in zip(steps, kinds, strict=True) if one not in ("unseen", "empty")]
    changed = [place for place, step in enumerate(seen) if kind(step) in _CHANGES]
    if not changed:
        return _not_clipped(seen)
    if len(changed) < ENOUGH:
        return None
    # A loop may have begun to clip in another way: then the newest steps decide.
    newest = seen[changed[-ENOUGH] :]
    return _still_whole(newest) or _clips(seen) or _clips(newest) or _changes(newest)


def _not_seen(step: Comparison) -> Found:
    """That nothing can be said, and why."""
    figures = {"processes": step.processes if step.processes > 1 else 0, "refused": step.refused, "unseen": step.unseen}
    return Found("not-seen", {name: float(value) for name, value in figures.items() if value})


def _not_clipped(seen: Sequence[Comparison]) -> Found | None:
    """That the loop does not clip, if it has not even written to a gradient."""
    if len(seen) < ENOUGH or any(step.written for step in seen):
        return None
    figures = {"norm": seen[-1].used_norm, "measured": len(seen)}
    return Found("not-clipped", {**figures, "hooked": seen[-1].hooked} if seen[-1].hooked else figures)


def _still_whole(steps: Sequence[Comparison]) -> Found | None:
    """That the optimizer gets gradients that the GradScaler has not divided by its scale."""
    if all(step.scale > 1 and math.isclose(_factor(step), step.scale, rel_tol=step.precision) for step in steps):
        return Found("still-scaled", {"scale": steps[-1].scale})
    return None


def _clips(steps: Sequence[Comparison]) -> Found | None:
    """That the loop clips to one bound at all these steps, and whether it does so before gradients are unscaled."""
    scale = steps[-1].scale
    for finding, figure in _FIGURES.items():
        plain, scaled = (
            _bound(finding, steps, figure),
            _bound(finding, steps, figure, scaled=True) if scale > 1 else None,
        )
        # While the scale stays the same, only the rounder number tells which of the two was meant.
        if scaled and (not plain or (scaled.is_round and not plain.is_round)):
            return Found("still-scaled", {"scale": scale, "bound": scaled.readable})
        if plain:
            share = plain.engaged / len(steps)
            return Found(finding, {"bound": plain.readable, "share": share, "measured": len(steps)})
    return None


def _bound(
    finding: Finding, steps: Sequence[Comparison], figure: Callable[[Comparison], float], *, scaled: bool = False
) -> _Bound | None:
    """The bound that a figure was set to, if that explains all these steps; `scaled`: before they were unscaled.

    At the other steps the figure has to be within the bound, whether nothing was changed or all was multiplied by one
    number, as the mean over accumulated batches is made.
    """

    def figure_of(step: Comparison) -> float:
        return figure(step) * (step.scale if scaled else 1)

    changed = [step for step in steps if kind(step) in _CHANGES]
    for anchor in changed[: -ENOUGH - 1 : -1]:
        bound = figure_of(anchor)
        engaged = [step for step in changed if _is_close(figure_of(step), bound, step)]
        if len(engaged) >= ENOUGH:
            break
    else:
        return None
    others = [step for step in steps if not any(step is one for one in engaged)]
    factors = [_factor(step) for step in others]
    most = max(factors, default=1.0)
    explained = (
        {kind(step) for step in engaged} <= _KINDS[finding]
        and _differ([step.norm or 0.0 for step in engaged])
        and all(figure_of(step) <= bound * (1 + _tolerance(step)) for step in others)
        and all(kind(step) not in _CHANGES or kind(step) == "scaled" for step in others)
        and all(math.isclose(factor, most, rel_tol=steps[-1].precision) for factor in factors)
        and all(_factor(step) <= most * (1 + step.precision) for step in engaged)
    )
    return _Bound(bound, len(engaged)) if explained else None


def lasting_share(found: Found, steps: Sequence[Comparison]) -> dict[str, float] | None:
    """At which share of the steps a loop clips that was seen to clip to a bound; None if a gradient is above it."""
    seen = [step for step in steps if kind(step) not in ("unseen", "empty")]
    bound, figure = found.figures["bound"], _FIGURES[found.finding]
    if not seen or any(figure(step) > bound * (1 + _DIFFERENT) for step in seen):
        return None
    return {"share": sum(kind(step) in _CHANGES for step in seen) / len(seen), "measured": len(seen)}


def _changes(steps: Sequence[Comparison]) -> Found | None:
    """That the gradient is changed, but not by clipping; with the factor, if it is the same at all steps.

    Norms that were almost equal before may well have been clipped, so that nothing is said of them.
    """
    changed = [step for step in steps if kind(step) in _CHANGES]
    newest, figures = changed[-1], {"norm": changed[-1].norm or 0.0, "used_norm": changed[-1].used_norm}
    if all(kind(step) == "scaled" and _is_close(_factor(step), _factor(newest), step) for step in changed):
        return Found("changes-gradient", {**figures, "factor": _factor(newest)})
    if not _differ([step.norm or 0.0 for step in changed]):
        return None
    return Found("changes-gradient", figures)


_FIGURES: dict[Finding, Callable[[Comparison], float]] = {
    "clips-norm": lambda step: step.used_norm,
    "clips-value": lambda step: step.used_largest,
}
# A gradient is scaled, too, if all of its elements that are not tiny are clamped to the bound.
_KINDS: dict[Finding, set[Kind]] = {"clips-norm": {"scaled"}, "clips-value": {"clamped", "scaled"}}


def _factor(step: Comparison) -> float:
    """‖g‖ of the optimizer over that of `backward`."""
    return step.used_norm / step.norm if step.norm else math.nan


def _is_close(figure: float, bound: float, step: Comparison) -> bool:
    """Whether a figure of a step is as close to a bound as one that was set to it."""
    return math.isclose(figure, bound, rel_tol=_tolerance(step))


def _tolerance(step: Comparison) -> float:
    """How far a figure may be from the bound that it was set to."""
    return step.precision + _TORCH_EPSILON / (step.norm or 1.0)


def _differ(numbers: Sequence[float]) -> bool:
    return max(numbers) > min(numbers) * (1 + _DIFFERENT)

"""What a loop does to its gradients between `backward` and the optimizer, from the comparisons of measured steps.

A norm that was clipped equals the bound, or almost: `clip_grad_norm_` leaves bound * n / (n + 1e-6) of a norm n. So
several steps with different norms before and the same norm after show the bound of the norm, and several with the same
largest |g| after that of the elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ..stream.watch_events import Finding
from .comparison import GradientComparison

# So many steps have to agree before anything is said.
ENOUGH = 3
# Norms before clipping have to differ by more than this, or nothing follows from equal ones after it.
_DIFFERENT = 1e-3
# `clip_grad_norm_` divides by the norm and this.
_TORCH_EPSILON = 1e-6


class Found(NamedTuple):
    """A finding, the figures of its sentence, and the names of the parameters that it is about."""

    finding: Finding
    figures: Mapping[str, float]
    names: tuple[str, ...] = ()


class _Bound(NamedTuple):
    """A bound, at how many steps the gradient was clipped to it, and the precision of their type."""

    bound: float
    engaged: int
    precision: float

    @property
    def is_round(self) -> bool:
        """Whether it is close to a number of two digits, as people write bounds."""
        return math.isclose(float(f"{self.bound:.1e}"), self.bound, rel_tol=max(1e-4, self.precision))

    @property
    def readable(self) -> float:
        """The bound without the deviation of torch, where it is a round number."""
        return float(f"{self.bound:.1e}") if self.is_round else self.bound


def clipping(steps: Sequence[GradientComparison]) -> Found | None:
    """What the loop does at these steps, oldest first; None as long as too few of them agree."""
    if [step.kind for step in steps][-ENOUGH:] == ["unseen"] * ENOUGH:
        return _not_seen(steps[-1])
    seen = [step for step in steps if step.is_seen]
    changed = [place for place, step in enumerate(seen) if step.is_changed]
    if not changed:
        return _not_clipped(seen)
    if len(changed) < ENOUGH:
        return None
    # A loop may have begun to clip in another way: then the newest steps decide.
    newest = seen[changed[-ENOUGH] :]
    if found := _still_whole(newest) or _clips(seen):
        return found
    if found := _clips(newest):
        # Three imprecise norms may be close to each other by chance.
        return found if seen[-1].precision < _DIFFERENT else None
    return _changes(newest)


def _not_seen(step: GradientComparison) -> Found:
    """That nothing can be said, and why."""
    figures = {"processes": step.processes if step.processes > 1 else 0, "refused": step.refused, "unseen": step.unseen}
    return Found("not-seen", {name: float(value) for name, value in figures.items() if value})


def _not_clipped(seen: Sequence[GradientComparison]) -> Found | None:
    """That the loop does not clip, if it has not even written to a gradient."""
    if len(seen) < ENOUGH or any(step.written for step in seen):
        return None
    figures = {"norm": seen[-1].used_norm, "measured": len(seen)}
    return Found("not-clipped", {**figures, "hooked": seen[-1].hooked} if seen[-1].hooked else figures)


def _still_whole(steps: Sequence[GradientComparison]) -> Found | None:
    """That the optimizer gets gradients that the GradScaler has not divided by its scale."""
    if all(step.scale > 1 and math.isclose(step.factor, step.scale, rel_tol=step.precision) for step in steps):
        return Found("still-scaled", {"scale": steps[-1].scale})
    return None


def _clips(steps: Sequence[GradientComparison]) -> Found | None:
    """That the loop clips to one bound at all these steps, and whether it does so before gradients are unscaled."""
    scale = steps[-1].scale
    for finding, figure in _FIGURES.items():
        plain = _bound(finding, steps, figure)
        scaled = _bound(finding, steps, figure, scaled=True) if scale > 1 else None
        # While the scale stays the same, only the rounder number tells which of the two was meant.
        if scaled and (not plain or (scaled.is_round and not plain.is_round)):
            return Found("still-scaled", {"scale": scale, "bound": scaled.readable})
        if plain:
            share = plain.engaged / len(steps)
            return Found(finding, {"bound": plain.readable, "share": share, "measured": len(steps)})
    return None


def _bound(
    finding: Finding,
    steps: Sequence[GradientComparison],
    figure: Callable[[GradientComparison], float],
    *,
    scaled: bool = False,
) -> _Bound | None:
    """The bound that a figure was set to, if that explains all these steps; `scaled`: before they were unscaled.

    At the other steps the figure has to be within the bound, whether nothing was changed or all was multiplied by one
    number, as the mean over accumulated batches is made.
    """

    def figure_of(step: GradientComparison) -> float:
        return figure(step) * (step.scale if scaled else 1)

    changed = [step for step in steps if step.is_changed]
    engaged = max(_alike(changed, figure_of), key=len, default=[])
    if len(engaged) < ENOUGH:
        return None
    # What torch adds to the norm matters least where the norm is large.
    bound = figure_of(max(engaged, key=lambda step: step.norm or 0.0))
    of_bound = set(map(id, engaged))
    others = [step for step in steps if id(step) not in of_bound]
    factors = [step.factor for step in others]
    most = max(factors, default=1.0)
    clipped = [step for step in engaged if step.factor < most * (1 - step.precision)]
    explained = (
        len(clipped) >= ENOUGH
        and _explains(finding, engaged)
        and _differ(engaged)
        and all(figure_of(step) <= bound * (1 + _tolerance(step)) for step in others)
        and all(step.kind == "scaled" or not step.is_changed for step in others)
        and all(math.isclose(factor, most, rel_tol=steps[-1].precision) for factor in factors)
        and all(step.factor <= most * (1 + step.precision) for step in engaged)
    )
    return _Bound(bound, len(clipped), engaged[-1].precision) if explained else None


def _explains(finding: Finding, engaged: Sequence[GradientComparison]) -> bool:
    """Whether the steps were changed as that clipping does. Clamping scales if it changes all but the tiny elements."""
    kinds = {step.kind for step in engaged}
    return kinds == {"scaled"} if finding == "clips-norm" else "clamped" in kinds and kinds <= {"clamped", "scaled"}


def lasting_share(found: Found, steps: Sequence[GradientComparison]) -> dict[str, float] | None:
    """At which share of the steps a loop clips that was seen to clip to a bound; None if a gradient is above it."""
    seen = [step for step in steps if step.is_seen]
    bound, figure = found.figures["bound"], _FIGURES[found.finding]
    if not seen or any(figure(step) > bound * (1 + _DIFFERENT) for step in seen):
        return None
    engaged = sum(math.isclose(figure(step), bound, rel_tol=_DIFFERENT) for step in seen if step.is_changed)
    return {"share": engaged / len(seen), "measured": len(seen)}


def _changes(steps: Sequence[GradientComparison]) -> Found | None:
    """That the gradient is changed, but not by clipping; with the factor, if it is the same at all steps.

    Norms that were almost equal before may well have been clipped, so that nothing is said of them.
    """
    changed = [step for step in steps if step.is_changed]
    newest, figures = changed[-1], {"norm": changed[-1].norm or 0.0, "used_norm": changed[-1].used_norm}
    if all(step.kind == "scaled" and _is_close(step.factor, newest.factor, step) for step in changed):
        return Found("changes-gradient", {**figures, "factor": newest.factor})
    if not _differ(changed):
        return None
    return Found("changes-gradient", figures)


_FIGURES: dict[Finding, Callable[[GradientComparison], float]] = {
    "clips-norm": lambda step: step.used_norm,
    "clips-value": lambda step: step.used_largest,
}


def _alike(
    steps: Sequence[GradientComparison], figure: Callable[[GradientComparison], float]
) -> list[list[GradientComparison]]:
    """The steps in groups of one value of a figure."""
    groups: list[list[GradientComparison]] = []
    for step in sorted(steps, key=figure):
        # The first of a group is the lowest, so that it may be the least precise one.
        if groups and any(_is_close(figure(step), figure(groups[-1][0]), one) for one in (step, groups[-1][0])):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def _is_close(figure: float, bound: float, step: GradientComparison) -> bool:
    """Whether a figure of a step is as close to a bound as one that was set to it."""
    return math.isclose(figure, bound, rel_tol=_tolerance(step))


def _tolerance(step: GradientComparison) -> float:
    """How far a figure may be from the bound that it was set to."""
    return step.precision + _TORCH_EPSILON / (step.norm or 1.0)


def _differ(steps: Sequence[GradientComparison]) -> bool:
    """Whether the norms before clipping differ by more than those after it may."""
    norms = [step.norm or 0.0 for step in steps]
    return max(norms) > min(norms) * (1 + max(_DIFFERENT, 4 * steps[0].precision))

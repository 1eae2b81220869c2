"""The gradients of one step of a loop: as `backward` left them, and as the optimizer gets them. Pure: no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

Kind = Literal["unseen", "empty", "untouched", "unchanged", "scaled", "clamped", "changed"]


class LateChange(NamedTuple):
    """A gradient that was changed after the optimizer's step: ‖g‖ before and after. `part`: of some parameters only."""

    before: float
    after: float
    part: bool = False


@dataclass(frozen=True, kw_only=True)
class GradientComparison:
    """What became of the gradients of one step between `backward` and the optimizer.

    `norm`: ‖g‖ as `backward` left it, divided by the GradScaler's `scale`; None if it is unknown. `used_norm`,
    `used_largest`: ‖g‖ and the largest |g| that the optimizer gets, the latter 0 if nothing was changed or written to.
    `equal`: whether nothing was changed but the scale. `written`: whether the loop wrote to a gradient all the same, as
    a rule does that does not engage.

    From a sample of the elements: `ratios`, the lowest and the highest ratio of what the optimizer gets to what
    `backward` left; `clamped`, whether each is as it was, or was larger and has the size `used_largest` now.
    `precision`: the relative error of a norm that was set to a bound in the gradients' type.

    `none`, `zero`: the parameters without a gradient, and those whose gradient is 0. Counts: `frozen`, those of `none`
    that do not train; `hooked`, parameters with hooks of the loop's own, which may clip within `backward`; `unseen`,
    those with a gradient that no `backward` left; `refused`, those that take no hook; `processes` that average
    gradients. `late`: what the loop did to the gradients of an earlier step after the optimizer had used them.
    """

    norm: float | None
    used_norm: float
    used_largest: float
    scale: float = 1.0
    equal: bool = True
    written: bool = False
    ratios: tuple[float, float] = (1.0, 1.0)
    clamped: bool = False
    precision: float = 2e-5
    none: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    frozen: int = 0
    hooked: int = 0
    unseen: int = 0
    refused: int = 0
    processes: int = 1
    late: LateChange | None = None

    @cached_property
    def kind(self) -> Kind:
        """What became of the gradients.

        `unseen`: it is unknown. `empty`: they were 0 or not finite, which shows nothing. `untouched`: nothing wrote to
        them. `unchanged`: something did, but changed nothing. `scaled`: all elements by one factor. `clamped`: the
        large elements to one size. `changed`: anything else.
        """
        if self.norm is None:
            return "unseen"
        if not (0 < self.norm < math.inf and math.isfinite(self.used_norm)):
            return "empty"
        if self.equal:
            return "unchanged" if self.written else "untouched"
        low, high = self.ratios
        if low > 0 and all(math.isclose(ratio, self.factor, rel_tol=self.precision) for ratio in (low, high)):
            return "scaled"
        return "clamped" if self.clamped and self.used_norm < self.norm else "changed"

    @property
    def is_seen(self) -> bool:
        """Whether the step shows anything of what the loop does."""
        return self.kind not in ("unseen", "empty")

    @property
    def is_changed(self) -> bool:
        """Whether the gradient was changed."""
        return self.kind in ("scaled", "clamped", "changed")

    @property
    def factor(self) -> float:
        """‖g‖ of the optimizer over that of `backward`."""
        return self.used_norm / self.norm if self.norm else math.nan

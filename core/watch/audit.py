"""What a training loop does to its gradients, as findings that follow from measured steps. Pure: no torch."""

from __future__ import annotations

from dataclasses import dataclass

from ..stream.events import LoopAudited


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The gradients of one step: as `backward` left them, and as the optimizer gets them.

    `norm`, `largest`: ‖g‖ and the largest |g| as `backward` left them, divided by the GradScaler's `scale`; None if
    `backward` was not seen. `used_norm`, `used_largest`: of those that the optimizer gets. `written`: whether the loop
    wrote to a gradient in between, even if it changed nothing. `equal`: whether all elements looked at are equal.
    `lowest_ratio`, `highest_ratio`: of a used element to what it was, among those looked at. `clamped`: whether each
    element looked at is either as it was, or was larger and is `used_largest` now. `late`: ‖g‖ before and after a change
    that followed the optimizer's step. `none`, `zero`: the parameters whose gradient is None or 0; `frozen`: those of
    `none` that do not train. `unseen`: how many parameters have a gradient that no `backward` seen has left.
    """

    norm: float | None
    largest: float | None
    used_norm: float
    used_largest: float
    scale: float = 1.0
    written: bool = False
    equal: bool = True
    lowest_ratio: float = 1.0
    highest_ratio: float = 1.0
    clamped: bool = False
    late: tuple[float, float] | None = None
    none: tuple[str, ...] = ()
    zero: tuple[str, ...] = ()
    frozen: int = 0
    unseen: int = 0
    processes: int = 1


class Audit:
    """Turns the comparisons of a lane's measured steps into findings: events for what is new, changed or gone."""

    def __init__(self, lane: str) -> None:
        raise NotImplementedError

    def add(
        self, step: int, compared: Comparison, *, rule: bool = False, engaged: tuple[int, int] | None = None
    ) -> list[LoopAudited]:
        """The events of one more measured step; `step` counts from 0.

        `rule`: whether a rule of clipwatch clips after the loop. `engaged`: how many steps were clipped, by that rule
        or else by the loop, of how many that are known, if every step is known.
        """
        raise NotImplementedError

    @property
    def clips(self) -> bool:
        """Whether the loop is known to scale down or clamp its gradients: then `norm_before` is worth its cost."""
        raise NotImplementedError

    @property
    def undecided(self) -> bool:
        """Whether a few more measured steps soon would decide whether the loop clips. True at the start.

        So measure each of the first steps as long as it holds, at most ten of them.
        """
        raise NotImplementedError

"""Compares the gradients that `backward` left with those that the optimizer gets.

How to use it, in the order of a training step:

    gradients = BackwardGradients(parameters)
    gradients.begin_step(measured=True)         # before the first step, and at the end of the optimizer's post-hook
    comparison = gradients.compare(scale)       # in the pre-hook, before a rule of clipwatch changes the gradient
    gradients.end_step()                        # in the post-hook, before `begin_step` of the next step

Only measured steps have hooks on the parameters, so other steps cost nothing, except for `norm_before`. No gradient is
written, and no hook waits for a GPU: `compare` of a measured step does.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from .audit import Comparison


class BackwardGradients:
    """What `backward` left in the gradients of an optimizer's parameters, at measured steps."""

    def __init__(self, parameters: Mapping[str, Tensor], *, processes: int = 1) -> None:
        """`parameters`: all those of the optimizer by name, each once, the frozen ones too.

        `processes`: how many average their gradients after `backward` (DDP): with more than one, what `backward` left
        here is not what the optimizer gets, and nothing is compared.
        """
        raise NotImplementedError

    def begin_step(self, *, measured: bool) -> None:
        """Call before the first `backward` of a step: at the start, and when the optimizer has stepped.

        A GradScaler that skips a step does not begin a new one: the next `backward` counts.
        """
        raise NotImplementedError

    def copy_into(self, flat: Tensor | None) -> None:
        """Copy what `backward` leaves at measured steps into this vector, too, from now on.

        It is float32 and holds the parameters that train in the order of `parameters`. None: no longer.
        """
        raise NotImplementedError

    @property
    def copied(self) -> bool:
        """Whether the vector of `copy_into` holds every gradient that the last `backward` left (a None as 0)."""
        raise NotImplementedError

    def compare(self, scale: float = 1.0) -> Comparison | None:
        """What became of the gradients between `backward` and the optimizer; None if this step is not measured.

        `scale`: the GradScaler's scale that the loss was multiplied by, 1 without one. If the optimizer itself unscales
        (`optimizer.grad_scale` is set), the gradients are compared as they are: leave it at 1.
        """
        raise NotImplementedError

    def end_step(self) -> None:
        """Call after a step, before anything of the loop runs: keeps gradients, to see whether the loop changes them.

        These are references to at most 32 MiB of gradients of a measured step, until the next `backward`.
        """
        raise NotImplementedError

    def look_again(self) -> None:
        """Look whether the gradients of the step before have changed since; for `Watch.step`. Cheap if unmeasured."""
        raise NotImplementedError

    def follow_norm(self) -> None:
        """From the next measured step on, compute the norm at every step, as `backward` leaves it.

        Call it once the loop is known to clip (`Audit.clips`).
        """
        raise NotImplementedError

    def norm_before(self) -> Tensor | None:
        """‖g‖ as the last `backward` left it, on its device; None if unknown at this step.

        It is known once the hook that computes it has agreed with a full comparison, until it does not.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Remove all hooks and references."""
        raise NotImplementedError

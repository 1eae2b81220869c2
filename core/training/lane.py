"""A lane: a workload in training, its optimizer and clip rule, as a checkpoint holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..clipping.clippers import make_clipper
from ..clipping.nonfinite import NonfiniteCounts
from ..diagnostics.lane_diagnostics import LaneDiagnostics
from ..experiments.workload import Workload
from ..optimizers.optimizer import Optimizer
from ..stream.rules import parse_rule
from .stopwatch import Stopwatch


class Lane:
    """Everything that a lane's next step depends on. `step` is the number of steps done."""

    def __init__(
        self,
        name: str,
        rule: str,
        workload: Workload,
        optimizer: Optimizer,
        diagnostics: LaneDiagnostics | None = None,
    ) -> None:
        self.name, self.step = name, 0
        self.workload, self.optimizer, self.diagnostics = workload, optimizer, diagnostics
        self.nonfinite = NonfiniteCounts()
        self.stopwatch = Stopwatch()
        self.set_rule(rule)

    def set_rule(self, rule: str) -> None:
        """Clip by this rule from now on. Rules that use earlier norms start without any."""
        self.rule = rule
        self.clipper = make_clipper(parse_rule(rule), self.workload.parameters, self.workload.layout)
        if self.diagnostics and rule != "none":
            self.diagnostics.start_counterfactual(self.optimizer)

    def set_learning_rate(self, rate: float) -> None:
        """Use this learning rate from now on, also in the counterfactual optimizer. The optimizer must have one."""
        self.optimizer.set_rate(rate)
        if self.diagnostics:
            self.diagnostics.set_counterfactual_rate(rate)

    def reset_optimizer(self) -> None:
        """Reset the optimizer's state, and that of the counterfactual optimizer."""
        self.optimizer.reset()
        if self.diagnostics:
            self.diagnostics.reset_counterfactual()

    def snapshot(self) -> dict[str, Any]:
        """Copy the lane's state between two steps: tensors, numbers and strings by name."""
        return {
            "step": self.step,
            "rule": self.rule,
            "parameters": self.workload.parameters.clone(),
            "optimizer": dict(self.optimizer.state),
            "clipper": self.clipper.state,
            "nonfinite": self.nonfinite.state,
            "diagnosis": self.diagnostics.state if self.diagnostics else None,
            "workload": self.workload.state,
            "training_seconds": self.stopwatch.training_seconds,
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Set the state to a snapshot of a lane of the same run."""
        self.step = snapshot["step"]
        self.set_rule(snapshot["rule"])
        # Checkpoints written before rules had a state do not hold these two.
        self.clipper.restore(snapshot.get("clipper", {}))
        self.nonfinite = NonfiniteCounts(**snapshot.get("nonfinite", {}))
        self.workload.parameters.copy_(snapshot["parameters"])
        self.optimizer.restore(snapshot["optimizer"])
        if self.diagnostics and snapshot.get("diagnosis"):
            self.diagnostics.restore(snapshot["diagnosis"], self.optimizer)
        # Checkpoints of before there were experiments hold the workload's state beside the rest.
        self.workload.restore(snapshot.get("workload", snapshot))
        self.stopwatch.restore(snapshot["training_seconds"])

    def fork(self, rule: str, learning_rate: float | None, *, reset_moments: bool) -> None:
        """Continue with another rule or learning rate after `restore`, as a command would set them."""
        if rule != self.rule:
            self.set_rule(rule)
            if reset_moments:
                self.reset_optimizer()
        if learning_rate is not None and learning_rate != self.optimizer.base_rate:
            self.set_learning_rate(learning_rate)

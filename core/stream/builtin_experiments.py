"""The built-in experiments as the command line, lists and recordings know them; what trains them needs torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from .experiment_info import ExperimentInfo, MetricInfo, Value

DATASETS = ("auto", "mnist", "fashion-mnist", "kmnist", "qmnist", "digits")


class SettingInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A setting of an experiment. `choices`: its only values. A number is larger than `above`, and from `least` to
    `most`.
    """

    name: str
    default: Value
    help: str
    choices: tuple[str, ...] = ()
    above: float | None = None
    least: float | None = None
    most: float | None = None

    @property
    def kind(self) -> type[Value]:
        """The type of its values."""
        return type(self.default)


class BuiltIn(msgspec.Struct, frozen=True, kw_only=True):
    """A built-in experiment. `defaults` are settings of a run (see `RunConfig`) that differ from LeNet's.

    `classes`: how many it tells apart, 0 if that is not known. `switch`: the setting that a key of the screen
    changes for the next run.
    """

    info: ExperimentInfo
    summary: str
    settings: tuple[SettingInfo, ...]
    defaults: Mapping[str, Any] = {}
    classes: int = 0
    switch: str = ""

    @property
    def setting_names(self) -> tuple[str, ...]:
        """The names of its settings."""
        return tuple(setting.name for setting in self.settings)

    def next_choice(self, settings: Mapping[str, Value]) -> Value:
        """The value of `switch` that follows the present one."""
        choices = next(setting.choices for setting in self.settings if setting.name == self.switch)
        present = settings.get(self.switch)
        return choices[(choices.index(str(present)) + 1) % len(choices)] if present in choices else choices[0]


ACCURACY = MetricInfo("accuracy", share=True, lower_is_better=False)
LENET = BuiltIn(
    info=ExperimentInfo(
        name="lenet",
        examples="images",
        metrics=(ACCURACY,),
        gauges=(MetricInfo("dead-outputs", counts=True), MetricInfo("dead-units", "dead hidden units", counts=True)),
    ),
    summary="LeNet on MNIST, whose last ReLU lets outputs die; here clipping hurts",
    settings=(
        SettingInfo(
            name="dataset",
            default="auto",
            help=f"{', '.join(DATASETS)} (auto is MNIST if available)",
            choices=DATASETS,
        ),
        SettingInfo(
            name="head",
            default="relu",
            help="relu (ReLU on the logits) or linear (plain logits)",
            choices=("relu", "linear"),
        ),
        SettingInfo(name="init_std", default=0.1, help="standard deviation of the initial weights", above=0.0),
    ),
    # All data sets have ten.
    classes=10,
    switch="head",
)
TEMPORAL_ORDER = BuiltIn(
    info=ExperimentInfo(
        name="temporal-order",
        examples="sequences",
        metrics=(msgspec.structs.replace(ACCURACY, solved_at=0.99),),
        gauges=(
            MetricInfo("saturated", "saturated units", share=True),
            MetricInfo("spectral-radius"),
        ),
    ),
    summary="a recurrent network that must remember two symbols in their order; clipping saves it",
    settings=(
        SettingInfo(name="length", default=20, help="symbols in a sequence", least=10, most=1000),
        SettingInfo(name="units", default=50, help="hidden units", least=1, most=1000),
        SettingInfo(name="init_std", default=0.1, help="standard deviation of the initial weights", above=0.0),
        SettingInfo(
            name="init",
            default="gaussian",
            help="initial recurrent weights: gaussian, or orthogonal",
            choices=("gaussian", "orthogonal"),
        ),
    ),
    defaults={
        "optimizer": "sgd",
        "learning_rate": 0.3,
        "batch_size": 20,
        "lanes": {"unclipped": "none", "clipped": "norm:1"},
    },
    classes=4,
    switch="init",
)
# Defaults for the experiments of users: what most training loops use.
OWN_DEFAULTS: Mapping[str, Any] = {"batch_size": 32, "beta1": 0.9, "lanes": {"unclipped": "none", "clipped": "norm:1"}}
BUILT_IN = {one.info.name: one for one in (LENET, TEMPORAL_ORDER)}

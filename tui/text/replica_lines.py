"""The settings of a sweep as a numbered list, each with its typical replica."""

from __future__ import annotations

from ...core.safe_text import printable
from ...core.stream.sweep_config import Setting, is_stackable
from ...core.stream.sweep_events import Results
from ...core.sweeps.replica_run import typical_seed
from .metric_words import figure


def replica_lines(results: Results) -> list[str]:
    """A line for each setting: its number from 1 on, its name, its typical seed and the result of that."""
    return [_line(results, number, setting) for number, setting in enumerate(results.started.config.settings, 1)]


def _line(results: Results, number: int, setting: Setting) -> str:
    seed = typical_seed(results, setting)
    return f"{number:3}  {printable(setting.name)}: seed {seed}, {_result(results, setting, seed)}"


def _result(results: Results, setting: Setting, seed: int) -> str:
    if (setting.number, seed) not in results.replicas:
        return "no result yet"
    metric, figures = results.started.experiment.main, results.figures(setting.number).get(seed)
    return figure(metric, figures.of(metric.name)) if figures else "diverged"


def trained_again(setting: Setting, seed: int) -> str:
    """What is to be expected of a replica that is trained again as a run."""
    numbers = (
        "A sweep rounds differently, so the result may differ"
        if is_stackable(setting.config)
        else "Its numbers are the same"
    )
    return f"{printable(setting.name)}, seed {seed} is trained again. {numbers}"

"""The English text of the report of a comparison of runs."""

from __future__ import annotations

COMPARED_ENGLISH = {
    "compared_title": "Comparison of {count} runs",
    "compared_runs": "{lanes} lanes of {count} runs. The mark 2B stands for the second lane of the second run.",
    "compared_differ": "The lanes differ by {settings}.",
    "compared_alike": "The lanes do not differ in any setting.",
    "compared_experiments": "The runs are of different experiments: {experiments}. Metrics in common: {metrics}.",
    "compared_left_out": "{run} cannot be read and is left out: {why}",
    "compared_worth": "Two single runs say little of what made the difference, and one seed says nothing of clipping: "
    "`clipwatch sweep` compares settings over many seeds.",
    "compared_started": "started (UTC)",
    "compared_lanes": "Lanes",
    "compared_values": "Values are of all validation data, an accuracy with its 95 % Wilson interval. A value at a "
    "step is of the newest evaluation: that lane has no final result.",
    "compared_changes": "Changes and forks are written with their step: norm:1@300 holds from step 300 on.",
    "compared_mark": "mark",
    "compared_run": "name",
    "compared_at": "{value} at {step}",
    "compared_of": "{step} of {planned}",
    "compared_ended": "{step}, {how}",
    "compared_stopped": "stopped",
    "compared_curves": "Curves",
    "compared_curve": "{metric} of the evaluations by training step, moving averages of {window}.{forks}{lacking}",
    "compared_forks": " A forked lane begins at its parent's curve.",
    "compared_lacking": " No values: {lanes}.",
    "set_clip": "clip rule",
    "set_experiment": "experiment",
    "set_data": "data, SHA-256",
    "set_code": "code, SHA-256",
    "set_changes": "changes",
    "set_fork": "fork",
    "set_forked from": "forked from run",
}

"""The English text of the report of a comparison of runs."""

from __future__ import annotations

COMPARED_ENGLISH = {
    "compared_title": "Comparison of {count} runs",
    "compared_runs": "{lanes} lanes of {count} runs. The mark 2B stands for the second lane of the second run.",
    "compared_differ": "The lanes differ by {settings}.",
    "compared_alike": "The lanes do not differ in any setting.",
    "compared_experiments": "The runs are of different experiments: {experiments}. Metrics in common: {metrics}.",
    "compared_left_out": "{run} is left out because it cannot be read: {why}",
    "compared_worth": "Single runs do not show what made the difference, and one seed says nothing about clipping. "
    "`clipwatch sweep` compares settings over many seeds.",
    "compared_best": "{metric}: {lane} {value} is best.{rest}",
    "compared_overlap": " The intervals of these lanes overlap it: {lanes}.",
    "compared_apart": " No other interval overlaps it.",
    "compared_equal": " Bit-identical results: {lanes}.",
    "compared_started": "started (UTC)",
    "compared_lanes": "Lanes",
    "compared_values": "Values are measured on all validation data, an accuracy with its 95 % Wilson interval. "
    "“0.61 at 300” is the evaluation at step 300, on part of the data: the newest of a lane without a final result.",
    "compared_changes": "Changes and forks are written with their step: norm:1@300 is a rule that applies from step "
    "300 on, A@300 a fork of lane A after 300 steps.",
    "compared_mark": "mark",
    "compared_run": "name",
    "compared_at": "{value} at {step}",
    "compared_of": "{step} of {planned}",
    "compared_ended": "{step}, {how}",
    "compared_stopped": "stopped",
    "compared_diverged": "diverged",
    "compared_error": "failed",
    "compared_observed": "observed",
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

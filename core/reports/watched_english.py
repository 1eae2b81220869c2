"""The English text of the report of a watched loop."""

from __future__ import annotations

WATCHED_ENGLISH = {
    "watched_title": "Gradient clipping in a training loop: {model}",
    "watched_what": "{model} with {parameters} parameters, trained by {script}: {steps} steps. {lanes}",
    "watched_unknown_script": "a script that is not known",
    "watched_observed": "{lane} was only observed: clipwatch changed no gradient.",
    "watched_ruled": "clipwatch clipped {lane} by this rule: {rule}.",
    "watched_last_evaluation": "Last evaluation of {lane}, at step {step}: {values}.",
    "watched_value": "{metric} {value}",
    "watched_loop": "The loop",
    "watched_loop_text": "The training is the user's own script; clipwatch only watched it. What it does not tell, "
    "such as its data, batch size and learning rate, is not in this report.",
    "watched_model": "model",
    "watched_script": "script",
    "watched_parameters": "parameters, {lane}",
    "watched_steps": "steps, {lane}",
    "watched_steps_of": "{done} of {planned}",
    "watched_rule": "clip rule, {lane}",
    "watched_no_rule": "none, only observed",
    "watched_skipped": "steps skipped by the GradScaler, {lane}",
    "watched_every": "measured",
    "watched_every_steps": "every {count} steps",
    "watched_audit": "What the audit found",
    "watched_audit_text": "At measured steps, the gradients that `backward` left are compared with those that the "
    "optimizer gets. These findings held at the end:",
    "watched_audit_item": "{lane}: {finding} (as of step {step}).",
    "watched_audit_mistake": "To change: {lane}: {finding} (as of step {step}).",
    "watched_audit_nothing": "The audit found nothing to report.",
    "watched_layers": "By layer",
    "watched_layers_text": "The last measurement of {lane}, at step {step}.",
    "layer": "layer",
    "watched_losses": "Loss and metrics",
    "watched_no_losses": "The loop gave neither a training loss nor evaluations.",
    "watched_caption_steps": "{metric} of the training steps. Line: medians of consecutive steps; band: from their "
    "smallest to their largest value.{marks}",
    "watched_caption_evaluations": "{metric} of the evaluations.{marks}",
    "watched_train_loss": "training loss",
    "watched_resources": "What the process used",
    "watched_resources_text": "Every five seconds, of the process and its children: {cores} cores on average, at most "
    "{most}; at most {memory} of memory.{gpu}",
    "watched_gpu": " GPU: at most {memory} of memory.",
    "watched_gpu_share": " The GPU was in use {share} of the time.",
    "watched_log": "Evaluations",
}

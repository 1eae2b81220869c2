"""The English text of the report of runs."""

from __future__ import annotations

ENGLISH = {
    "comma": ", ",
    "semicolon": "; ",
    "last_of_list": "{first} and {last}",
    "title": "Gradient clipping side by side: {experiment}",
    "title_several": "Gradient clipping side by side: {count} runs{of}",
    "of_experiment": " of {experiment}",
    "on_dataset": "{experiment} on {dataset}",
    "name_lenet": "LeNet",
    "name_temporal-order": "the temporal order problem",
    "examples_images": "images",
    "examples_sequences": "sequences",
    "validation_images": "validation images",
    "validation_sequences": "validation sequences",
    "examples_any": "{examples}",
    "validation_any": "validation {examples}",
    "metric_accuracy": "accuracy",
    "metric_loss": "loss",
    "metric_dead-outputs": "dead outputs",
    "metric_dead-units": "dead hidden units",
    "metric_saturated": "saturated units",
    "metric_spectral-radius": "spectral radius of the recurrent matrix",
    "subtitle": "Run {run}, started {time} UTC: {status}.",
    "forked_from": "This run was forked from lane {lane} of run {run} after {step} steps. What comes before is "
    "that run's.",
    "run": "Run {number}: {run}",
    "status_completed": "completed",
    "status_stopped": "stopped before the last step",
    "status_failed": "failed, no lane reached its end",
    "status_unfinished": "unfinished",
    "warn_stopped": "The run was stopped before its last step. The results below cover only the steps that were done.",
    "warn_failed": "The run failed: no lane reached its end, so there is no final result.",
    "warn_unfinished": "The recording has no end: the run was interrupted or is still in progress. The results below "
    "cover only what was recorded.",
    "warn_lane_failed": "Lane {lane} failed at step {step} ({reason}): {cause}",
    "reason_diverged": "it diverged",
    "reason_error": "an error",
    "warn_damage": "The recording is damaged: {damage}. The results below lack what was left out.",
    "warn_notice": "Notice during the run: {notice}",
    "summary_compared": "Compared: {lanes}. LeNet with {head} on {dataset}, {optimizer}, seed {seed}.{changed}",
    "summary_compared_other": "Compared: {lanes}. {experiment}, seed {seed}.{changed}",
    "summary_lane": "{lane} (clip rule: {rule})",
    "summary_changed_rates": " Rules, learning rates, optimizer state or numbers of steps were changed mid-run, so "
    "this is not a clean comparison.",
    "summary_beside": " Not a comparison of clipping, because they differ by {settings} as well: {pairs}.",
    "summary_pair": "{a} and {b}",
    "summary_changed": " Rules, optimizer state or numbers of steps were changed mid-run, so this is not a clean "
    "comparison.",
    "summary_result": "Result: {metric} on all {total} {validation}: {results}.{verdict}",
    "summary_no_result": "Result: no lane has a final result: {results}.",
    "summary_accuracy": "{lane} {value} (95 % interval {low} to {high})",
    "summary_value": "{lane} {value}",
    "summary_diverged": "{lane} diverged at step {step}",
    "summary_error": "{lane} failed at step {step}",
    "summary_unfinished": "{lane} ends after {step} steps without a result",
    "summary_apart": " These two networks differ.",
    "summary_overlap": " The intervals overlap: these two networks are not shown to differ.",
    "summary_same": " Both lanes are identical throughout.",
    "summary_all_apart": " Networks that differ from that of {first}: {names}.",
    "summary_all_overlap": " Not shown to differ from that of {first}, because the intervals overlap: {names}.",
    "summary_all_same": " Identical to {first} throughout: {names}.",
    "summary_cause": "Why: dead outputs, which are 0 for every validation image, so that nearly all images of their "
    "classes are misclassified: {counts}.{seed}",
    "summary_dead": "Dead outputs, which are 0 for every validation image, so that nearly all images of their classes "
    "are misclassified: {counts}.{seed}",
    "summary_dead_of": "{lane} {count} of 10",
    "summary_none_dead": "No output is dead in any lane.{seed}",
    "summary_plain_logits": "With plain logits no output can die.{seed}",
    "summary_dead_unknown": "Whether outputs died is not recorded.{seed}",
    "summary_gauge": "At the last measurement, {gauge}: {values}.{seed}",
    "summary_gauge_of": "{lane} {value}",
    "summary_seed_only": " One seed says nothing about clipping in general.",
    "summary_one_seed": " One seed says nothing about clipping in general; the conclusion names the sweep that does.",
    "task": "Task",
    "task_text": "The assignment is to train LeNet with and without gradient clipping, and to compare how the loss "
    "changes during training. In one training, every element of the gradient of every variable is clipped to [-0.001, "
    "0.001]; the other training is not clipped. Batches of 8, 1000 iterations; every 10 steps, loss and accuracy on "
    "the next 100 validation images are printed.",
    "task_lanes": "The trainings of one run are called its lanes. They start from the same weights and use the same "
    "training batches and the same validation batches; only the clip rule differs.",
    "task_lanes_forked": "The trainings of one run are called its lanes. They start from the same weights and use the "
    "same training batches and the same validation batches; only the clip rule differs.{forks}",
    "task_lanes_differ": "The trainings of one run are called its lanes. They start from the same weights and use the "
    "same training batches and the same validation batches. They differ in their clip rules and in the settings named "
    "below; only lanes that differ by the rule alone are a comparison of clipping.{forks}",
    "task_forks": " A forked lane starts from the state that another lane has after some of its steps, and uses the "
    "same batches from there on, so the two can be compared from the fork on.",
    "trained": "What is trained",
    "task_temporal-order": "The temporal order problem (Hochreiter and Schmidhuber 1997; Pascanu, Mikolov and "
    "Bengio 2013): a sequence of {length} symbols has an A or a B at one place in its second tenth and at one place "
    "in its sixth tenth, and distractors everywhere else. At its end, the network must tell which of the four pairs "
    "it has seen, in their order. Every step trains on new sequences.",
    "task_own": "The experiment {name} is the user's own. It is defined in the file {file} (SHA-256 {checksum}). "
    "This report is made from the recording alone: that file was not run for it.",
    "network": "Network and settings",
    "network_text": "LeNet: images of 28 by 28 in [0, 1], zero-padded to 32 by 32; convolution 5 by 5 to 6 channels, "
    "ReLU, max-pooling by 2; convolution 5 by 5 to 16 channels, ReLU, max-pooling by 2; fully connected layers 400 to "
    "120 and 120 to 84, each with ReLU, and 84 to 10; mean softmax cross-entropy.",
    "network_relu": "A ReLU is applied to the ten logits as well, as in the assignment.",
    "network_linear": "The ten logits are plain: no ReLU is applied to them. In the assignment, one is.",
    "network_size": "{parameters} parameters.{start} {optimizer} updates the parameters with the clipped gradient.",
    "network_start_lenet": " Weights are drawn from a normal distribution with the standard deviation below, "
    "truncated at two standard deviations; biases start at 0.1.",
    "network_temporal-order": "An Elman network: in each step, its {units} hidden units are the tanh of a sum of "
    "the symbol's input weights, a bias, and the units of the step before times the recurrent matrix; four plain "
    "logits are computed from the units after the last symbol; mean softmax cross-entropy. Biases start at 0.",
    "update_by_lane": "The lane's optimizer ({optimizers})",
    "update_own": "The experiment's own optimizer",
    "update_adam": "Adam with beta2 0.999 and epsilon 1e-8",
    "update_sgd": "Stochastic gradient descent",
    "update_sgd-momentum": "Stochastic gradient descent with momentum 0.9",
    "setting": "setting",
    "this_run": "this run",
    "assignment": "assignment",
    "default": "default",
    "set_dataset": "data",
    "set_images": "training / validation {examples}",
    "new_every_step": "new in every step",
    "set_length": "symbols in a sequence",
    "set_units": "hidden units",
    "set_init": "initial recurrent weights",
    "init_gaussian": "Gaussian",
    "init_orthogonal": "orthogonal",
    "set_file": "file of the experiment",
    "set_file_checksum": "SHA-256 of this file, first 16 digits",
    "set_seed": "seed",
    "set_iterations": "iterations",
    "set_batch_size": "batch size",
    "set_eval_every": "evaluated every",
    "set_eval_size": "size of a validation batch",
    "set_learning_rate": "learning rate",
    "set_beta1": "Adam beta1",
    "set_init_std": "standard deviation of the weights",
    "set_head": "last layer",
    "set_optimizer": "optimizer",
    "set_nonfinite": "gradient with NaN or infinity",
    "set_reset_moments": "optimizer state when a rule changes",
    "optimizer_adam": "Adam",
    "optimizer_sgd": "SGD",
    "optimizer_sgd-momentum": "SGD with momentum 0.9",
    "nonfinite_propagate": "used unchanged",
    "nonfinite_skip": "step skipped",
    "nonfinite_zero": "NaN and infinite elements set to 0",
    "nonfinite_stop": "training stops",
    "reset_moments_False": "kept",
    "reset_moments_True": "reset",
    "set_lane": "clip rule, lane {lane}",
    "set_of_lane": "{setting}, lane {lane}",
    "set_lane_later": "clip rule, lane {lane}, from step {step} on",
    "own_setting": "{setting} {value}",
    "own_fork": "fork of {parent} at {step}",
    "own_settings": "own settings",
    "set_device": "device",
    "set_versions": "versions",
    "set_checksum": "SHA-256 of the data, first 16 digits",
    "head_relu": "ReLU on the logits",
    "head_linear": "plain logits",
    "asterisk": "An asterisk (*) marks a setting that differs from the {compared}.",
    "rule_none": "none",
    "rule_value": "elements clipped to [{low}, {high}]",
    "rule_norm": "norm at most {bound}",
    "rule_layer_norm": "norm of each layer at most {bound}",
    "rule_agc": "norm of each unit at most {ratio} times the norm of its weights",
    "rule_autoclip": "norm at most percentile {percentile} of all norms so far",
    "rule_zclip": "norm spikes beyond {threshold} standard deviations clipped",
    "rule_sign": "only the sign of each element",
    "no_lower_bound": "-∞",
    "no_upper_bound": "∞",
    "any": "any",
    "steps": "{count} steps",
    "results": "Results",
    "results_text": "Loss and metrics on the whole validation set after the last step.",
    "results_wilson": "The interval is the 95 % Wilson interval of the accuracy.",
    "lane": "lane",
    "rule": "clip rule",
    "steps_done": "steps",
    "final_loss": "loss",
    "final_accuracy": "{metric} (95 %)",
    "last_batch": "last {count} {examples}: {values}",
    "training_time": "training time",
    "seconds": "{seconds} s",
    "logarithmic": "{what} (logarithmic)",
    "step": "step",
    "chance_loss_of": "chance: ln {classes}",
    "chance_accuracy_of": "chance: {share}",
    "caption_loss": "Loss on {count} {validation} per evaluation. Faint: raw values. Bold: moving average over "
    "{window} evaluations.{marks}",
    "caption_accuracy": "{metric} on {count} {validation} per evaluation, drawn the same way.{final}{marks}",
    "caption_final": " Error bars at the right: final {metric} on the whole validation set with its 95 % interval.",
    "caption_marks_forks": " Dashed vertical lines: changes mid-run and forks; the curve of a fork begins on that of "
    "its parent.",
    "caption_marks": " Dashed vertical lines: changes mid-run.",
    "caption_screen": "The screen of clipwatch at the end of the recording. Top: the last lines that each lane "
    "printed. Bottom: charts.",
    "caption_runs": "Final {metric} on the whole validation set of every lane of every run, with its 95 % interval "
    "if it has one.",
    "effect": "What the clipping did",
    "effect_same": "Lanes {a} and {b}: loss and metrics are identical at all {count} common evaluations.",
    "effect_differ": "Lanes {a} and {b}: loss or metrics first differ in the evaluation at step {step}, possibly "
    "only in digits that are not printed.",
    "effect_unchanged": "No clip rule, optimizer state or number of steps was changed mid-run.",
    "effect_changed_forks": "Changes mid-run and forks (a change at step 300 applies from step 300 on):",
    "effect_changed": "Changes mid-run (a change at step 300 applies from step 300 on):",
    "effect_unmeasured": "This recording has no measurements of how much the rules clipped.",
    "effect_measured": "The last measurement of each lane, over all parameters together. % of elements clipped: the "
    "share of the gradient's elements that clipping changed. % of steps clipped: the share of the steps so far in "
    "which clipping changed at least one element. Cosine: between the raw and the clipped gradient. Update / "
    "weights: the norm of the update divided by the norm of the weights. Cosine with counterfactual update: between "
    "the actual update and the one that the same optimizer would have made from raw gradients only (- if the lane "
    "was never clipped).{dead}",
    "effect_measured_forks": " The % of steps clipped of a forked lane counts its own steps only, from the fork on.",
    "effect_measured_dead": " Dead outputs: outputs that were 0 for every image in three consecutive evaluations.",
    "effect_gauges": "What was measured of the network: its value in the last measurement, and in brackets its "
    "largest in the run.",
    "elements_clipped": "% of elements clipped",
    "steps_clipped": "% of steps clipped",
    "cosine": "cosine",
    "norms": "norm raw / clipped",
    "update_ratio": "update / weights",
    "counterfactual_cosine": "cosine with counterfactual update",
    "element_size": "log10 |gradient element|",
    "share_of_elements": "share of elements",
    "caption_effect": "{left} {right}",
    "effect_left_dead": "Left: number of dead outputs, out of ten.",
    "effect_left_gauge": "Left: {gauge}.",
    "effect_right": "Right: absolute values of the raw gradient's elements in the last measurement; dotted lines "
    "mark the bounds of a value rule.",
    "effect_only": "Absolute values of the raw gradient's elements in the last measurement; dotted lines mark the "
    "bounds of a value rule.",
    "gradient_text": "The norm of the gradient over all parameters before clipping, in every training step:",
    "gradient_norms": "Lane {lane}, {count} steps: median {median}, 95th percentile {high}, maximum {largest} (at step "
    "{step}). {clipped} steps ({share}) were clipped.{broken}",
    "gradient_of_fork": " These are its own steps, from step {step} on; those before are of lane {parent}.",
    "gradient_not_finite": " In {count} of the steps the norm was not finite; these do not count for median, "
    "percentile and maximum.",
    "gradient_never_finite": "Lane {lane}, {count} steps: the norm was finite in none of them. {clipped} steps "
    "({share}) were clipped.",
    "gradient_unrecorded": "The gradient norm of every step is not recorded in this run. The figure shows the steps "
    "that were measured, so norms between them may have been larger.",
    "gradient_norm": "gradient norm",
    "caption_gradient": "Top: norm of the gradient before clipping. Lines: medians of consecutive steps; bands: from "
    "their smallest to their largest norm; dotted lines: bounds of norm rules; a norm of 0 lies below the chart. "
    "Below, for lanes with such rules: value and sign rules, the share of the gradient's elements clipped in measured "
    "steps; other rules, the share of consecutive steps clipped.{marks}",
    "caption_gradient_measured": "Top: norm of the gradient before clipping in measured steps; dotted lines: bounds of "
    "norm rules; a norm of 0 lies below the chart. Below, for lanes with value and sign rules: the share of the "
    "gradient's elements clipped in these steps.{marks}",
    "effect_dead": "Lane {lane}: at the end, {count} of the ten outputs (classes {classes}) are 0 for every validation "
    "image. The network cannot predict these classes, except that an image whose ten outputs are all 0 counts as class "
    "0.",
    "change": "change",
    "clip_changed": "clip rule: {previous} → {rule}",
    "clip_changed_reset": "clip rule: {previous} → {rule}, optimizer state reset",
    "rate_changed": "learning rate: {previous} → {rate}",
    "lane_forked": "forked from {parent}; clip rule: {rule}",
    "lane_forked_rate": "forked from {parent}; clip rule: {rule}; learning rate: {rate}",
    "as_planned": "{change}, as planned",
    "optimizer_reset": "optimizer state reset",
    "steps_extended": "extended to {iterations} steps",
    "conclusion": "Conclusion",
    "final_of": "Lane {lane} ends with {values} at a loss of {loss} after {step} steps, on {total} {validation}.",
    "final_value": "{metric} {value}",
    "final_interval": "{metric} {value} (95 % interval {low} to {high})",
    "final_of_loss": "Lane {lane} ends with loss {loss} after {step} steps, on {total} {validation}.",
    "no_final_failed": "Lane {lane} has no final result: it failed at step {step}.",
    "no_final_unfinished": "Lane {lane} has no final result: its recording ends after {step} steps.",
    "same": "Lanes {a} and {b} have identical results throughout: in this run, their rules made no difference.",
    "same_settings": "Lanes {a} and {b} have identical results throughout: in this run, their settings made no "
    "difference.",
    "disjoint_settings": "The intervals of lanes {a} and {b} do not overlap: on {examples} like these, the network of "
    "lane {better} is more accurate. This holds for these two trained networks, not for their settings in general.",
    "differ_beside": "Lanes {a} and {b} differ by {settings}, so they are not a comparison of clipping.",
    "overlap": "The intervals of lanes {a} and {b} overlap: this run does not show which network is more accurate.",
    "disjoint": "The intervals of lanes {a} and {b} do not overlap: on {examples} like these, the network of lane "
    "{better} is more accurate. This holds for these two trained networks, not for their clip rules in general.",
    "no_interval": "Lanes {a} and {b} end with different results. Correct predictions are not counted here, so "
    "there is no interval that would show whether the two networks differ.",
    "uneven": "Lanes {a} and {b} trained for different numbers of steps, so this is not a controlled comparison.",
    "changed_mid_run": "Clip rules, optimizer state or numbers of steps were changed mid-run, so this run is not a "
    "controlled comparison of its lanes.",
    "changed_mid_run_rates": "Clip rules, learning rates, optimizer state or numbers of steps were changed mid-run, "
    "so this run is not a controlled comparison of its lanes.",
    "not_mnist": "The data is {dataset}, not MNIST: the results cannot be compared with those of the assignment.",
    "digits_name": "embedded digits",
    "own_files": "local files",
    "digits": "The data is the embedded handwritten digits, not MNIST: fewer images, at a lower resolution. The "
    "results cannot be compared with those of the assignment.",
    "one_seed": "A single seed cannot separate the effect of clipping from the randomness of the initial weights "
    "and the order of the {examples}. To measure the effect with error bars, train many seeds: `{sweep}`, then "
    "`clipwatch report SWEEP`.",
    "log": "Printed training log",
    "log_empty": "The recording has no evaluations.",
    "repeat": "`clipwatch verify {run}` trains this run again and compares it bit for bit.",
    "runs": "All runs",
    "number": "run",
    "run_label": "run {number}, seed {seed}",
    "seed": "seed",
    "data": "data",
    "state": "state",
    "with_changes": "{what}, changed mid-run",
    "group": "Runs {runs} differ only in their seed, and nothing was changed mid-run.",
    "group_pair": "Mean final {metric} over these {count} seeds: {a} {mean_a} (lowest {low_a}, highest {high_a}), "
    "{b} {mean_b} (lowest {low_b}, highest {high_b}).{counts}",
    "group_counts": " {a} is better on {wins} seeds, {b} on {losses}; {ties} are ties.",
    "group_few": "Seeds on which the two differ: {count}. These are too few to decide: even if all agreed, an exact "
    "two-sided sign test would give p = {least}, above 0.05. At least six are needed; `clipwatch sweep` trains any "
    "number of seeds.",
    "group_undecided": "An exact two-sided sign test over the seeds gives p = {p}: these seeds do not show which "
    "lane is better.",
    "group_decided": "An exact two-sided sign test over the seeds gives p = {p}: lane {better} is better more often "
    "than chance would explain, for this network, this data and these settings.",
    "group_none": "These runs do not form a comparison: that takes at least two completed runs that were not changed "
    "mid-run and differ only in their seed.",
    "runs_left_out": "Runs not compared with the others: {runs} (different settings or data, a repeated seed, changes "
    "mid-run, not completed, or a damaged recording).",
}

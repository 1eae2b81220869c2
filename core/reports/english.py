"""The report in English."""

from __future__ import annotations

ENGLISH = {
    "comma": ", ",
    "last_of_list": "{first} and {last}",
    "title": "Gradient clipping side by side: LeNet on {dataset}",
    "title_several": "Gradient clipping side by side: {count} runs of LeNet",
    "subtitle": "Run {run}, begun {time} UTC: {status}.",
    "run": "Run {number}: {run}",
    "status_completed": "completed",
    "status_stopped": "stopped before all steps were done",
    "status_failed": "failed, no lane reached its end",
    "status_unfinished": "unfinished",
    "warn_stopped": "The run was stopped before all its steps were done. What follows holds for the steps it did.",
    "warn_failed": "The run failed: no lane reached its end, so there is no final accuracy.",
    "warn_unfinished": "The recording has no end: the run was interrupted, or is still under way. "
    "What follows is as far as it came.",
    "warn_lane_failed": "Lane {lane} failed at step {step} ({reason}): {cause}",
    "reason_diverged": "it diverged",
    "reason_error": "an error",
    "warn_damage": "The recording is damaged: {damage}. What was left out is missing below too.",
    "warn_notice": "Said during the run: {notice}",
    "task": "Task",
    "task_text": "Train LeNet with gradient clipping and without, and compare how the loss changes in training: every "
    "component of the gradient of every variable is kept within [-0.001, 0.001] in one training and left alone "
    "in the other. Batches of 8, 1000 iterations; every 10 steps loss and accuracy on the next 100 validation "
    "images are printed.",
    "task_lanes": "The trainings of one run are called its lanes. They begin with the same weights and see the same "
    "training batches and the same validation batches; only the clip rule differs.",
    "network": "Network and settings",
    "network_text": "LeNet: images of 28 by 28 in [0, 1], padded with zeros to 32 by 32; convolution 5 by 5 to 6 "
    "channels, ReLU, max-pooling by 2; convolution 5 by 5 to 16 channels, ReLU, max-pooling by 2; fully connected "
    "layers 400 to 120 and 120 to 84, each with ReLU, and 84 to 10; mean softmax cross-entropy.",
    "network_relu": "The ten logits pass through a ReLU as well, as in the assignment.",
    "network_linear": "The ten logits are linear here; in the assignment they pass through a ReLU as well.",
    "network_size": "{parameters} parameters. Weights are drawn from a normal distribution of the standard deviation "
    "below, cut off at two of them; biases begin at 0.1. {optimizer} takes each step with "
    "the clipped gradient.",
    "steps_adam": "Adam with beta2 0.999 and epsilon 1e-8",
    "steps_sgd": "Stochastic gradient descent",
    "steps_sgd-momentum": "Stochastic gradient descent with momentum 0.9",
    "setting": "setting",
    "this_run": "this run",
    "assignment": "assignment",
    "set_dataset": "data",
    "set_images": "training / validation images",
    "set_seed": "seed",
    "set_iterations": "iterations",
    "set_batch_size": "batch size",
    "set_eval_every": "evaluated every",
    "set_eval_size": "images per evaluation",
    "set_learning_rate": "learning rate",
    "set_beta1": "Adam beta1",
    "set_init_std": "standard deviation of the weights",
    "set_head": "last layer",
    "set_optimizer": "optimizer",
    "set_nonfinite": "gradient with NaN or infinity",
    "set_reset_moments": "optimizer at a change of rule",
    "optimizer_adam": "Adam",
    "optimizer_sgd": "SGD",
    "optimizer_sgd-momentum": "SGD with momentum 0.9",
    "nonfinite_propagate": "used as it is",
    "nonfinite_skip": "its step is left out",
    "nonfinite_zero": "such components become 0",
    "nonfinite_stop": "ends the training",
    "reset_moments_False": "goes on",
    "reset_moments_True": "begins anew",
    "set_lane": "clip rule, lane {lane}",
    "set_device": "device",
    "set_versions": "versions",
    "set_checksum": "SHA-256 of the data, first 16 digits",
    "head_relu": "ReLU on the logits",
    "head_linear": "linear logits",
    "departs": "An asterisk (*) marks what departs from the assignment.",
    "rule_none": "none",
    "rule_value": "components kept within [{low}, {high}]",
    "rule_norm": "norm at most {bound}",
    "rule_layer_norm": "norm of each layer at most {bound}",
    "rule_agc": "norm of each unit at most {ratio} of that of its weights",
    "rule_autoclip": "norm at most percentile {percentile} of those so far",
    "rule_zclip": "spikes of the norm beyond {threshold} standard deviations cut",
    "rule_sign": "signs alone",
    "free_low": "-∞",
    "free_high": "∞",
    "any": "any",
    "steps": "{count} steps",
    "results": "Results",
    "results_text": "Loss and accuracy on the whole validation set after the last step, with the 95 % Wilson interval "
    "of the accuracy.",
    "lane": "lane",
    "rule": "clip rule",
    "steps_done": "steps",
    "final_loss": "loss",
    "final_accuracy": "accuracy (95 %)",
    "last_batch": "last {count} images: accuracy / loss",
    "training_time": "training time",
    "seconds": "{seconds} s",
    "loss": "loss",
    "logarithmic": "{what} (logarithmic)",
    "accuracy": "accuracy",
    "step": "step",
    "chance_loss": "guessing: ln 10",
    "chance_accuracy": "guessing: 0.1",
    "caption_loss": "Loss on {count} validation images at a time: faint as measured, bold the mean of {window} "
    "evaluations around each.{marks}",
    "caption_accuracy": "Accuracy on {count} validation images at a time, drawn likewise; the bars at the right are "
    "the final accuracy on the whole validation set with its 95 % interval.{marks}",
    "caption_marks": " Dashed vertical lines mark changes under way.",
    "caption_screen": "The screen of clipwatch at the end of the recording: above, the last lines that each lane "
    "printed; below, loss and accuracy.",
    "caption_runs": "Final accuracy on the whole validation set, with its 95 % interval, of every run and lane.",
    "effect": "What the clipping did",
    "effect_same": "Lanes {a} and {b}: loss and accuracy are the same at all of their {count} common evaluations.",
    "effect_differ": "Lanes {a} and {b}: loss or accuracy first differ in the evaluation at step {step}, perhaps only "
    "in digits that are not printed.",
    "effect_untouched": "No clip rule and no number of steps was changed while the lanes trained.",
    "effect_touched": "Changed while the lanes trained (a change at step 300 holds from step 300 on):",
    "effect_unmeasured": "How many components of the gradient were clipped was not measured in this recording.",
    "effect_measured": "What was last measured, of all parameters together: the share of the gradient's components "
    "that the rule changed (saturation); the share of all steps in which it changed any; the cosine "
    "between the raw gradient and the clipped one, and their norms; the norm of the update against "
    "that of the weights; the cosine between the update made and the one that the same optimizer "
    "would have made of raw gradients alone (-, where the lane was never clipped); and the outputs "
    "that were 0 for every image of three evaluations running.",
    "saturation": "saturation",
    "engaged": "steps clipped",
    "cosine": "cosine",
    "norms": "norm raw / clipped",
    "update_ratio": "update / weights",
    "shadow_cosine": "cosine with the unclipped update",
    "dead_outputs": "dead outputs",
    "size_of_component": "log10 of a component's size",
    "share_of_components": "share of components",
    "caption_effect": "Left: outputs that are dead, out of ten. Right: sizes of the raw gradient's components when last"
    " measured, and as dotted lines the bound of a value rule.",
    "effect_silent": "Lane {lane}: at the end the outputs of {count} of the ten classes ({classes}) are 0 for every "
    "validation image: their images are not recognised, but for those of class 0 where all outputs are 0.",
    "change": "change",
    "clip_changed": "clip rule: {previous} → {rule}",
    "clip_changed_reset": "clip rule: {previous} → {rule}, the optimizer begins anew",
    "moments_reset": "the optimizer begins anew",
    "extended": "extended to {iterations} steps",
    "conclusion": "Conclusion",
    "final_of": "Lane {lane} ends with accuracy {accuracy} on {total} validation images "
    "(95 % interval {low} to {high}) and loss {loss}, after {step} steps.",
    "no_final_failed": "Lane {lane} has no final accuracy: it failed at step {step}.",
    "no_final_unfinished": "Lane {lane} has no final accuracy: the recording ends after {step} of its steps.",
    "same": "Lanes {a} and {b} gave the same figures throughout: in this run the difference of their rules made none.",
    "overlap": "The intervals of {a} and {b} overlap: these figures do not tell the two apart.",
    "disjoint": "The intervals of {a} and {b} do not overlap: on images like these the network of lane {better} "
    "is the more accurate one. That is said of these two trained networks, not of their clip rules.",
    "uneven": "Lanes {a} and {b} did not train for the same number of steps, which is no clean comparison.",
    "touched": "Rules or numbers of steps were changed under way, so this run is no clean comparison of its lanes.",
    "not_mnist": "The data is {dataset}, not MNIST: the figures cannot be set beside those of the assignment.",
    "digits_name": "embedded digits",
    "own_files": "own files",
    "digits": "The data is the embedded handwritten digits, not MNIST: fewer and coarser images. The figures cannot be "
    "set beside those of the assignment.",
    "one_seed": "One seed decides nothing: other initial weights and another order of the images can turn the result "
    "round. Many seeds answer, with error bars: `{sweep}`, then `clipwatch report SWEEP`.",
    "lines": "Printed training lines",
    "lines_none": "The recording holds no evaluation.",
    "repeat": "`clipwatch verify {run}` trains this run again and compares it bit for bit.",
    "runs": "All runs",
    "number": "run",
    "run_label": "run {number}, seed {seed}",
    "seed": "seed",
    "data": "data",
    "state": "state",
    "changed": "{what}, changed under way",
    "group": "Runs {runs} differ in their seed alone, and nothing was changed under way.",
    "group_pair": "Mean final accuracy over these {count} seeds: {a} {mean_a} (lowest {low_a}, highest "
    "{high_a}), {b} {mean_b} (lowest {low_b}, highest {high_b}). "
    "{a} is the more accurate in {wins}, {b} in {losses}, and {ties} are equal.",
    "group_few": "{count} seeds that differ cannot decide, whatever they show: even if all agreed, an exact two-sided "
    "sign test would give p = {least}, above 0.05. It takes six; `clipwatch sweep` trains as many as are asked for.",
    "group_undecided": "An exact two-sided sign test over the seeds gives p = {p}: these seeds do not decide which "
    "lane is the more accurate.",
    "group_decided": "An exact two-sided sign test over the seeds gives p = {p}: lane {better} is the more accurate "
    "more often than chance alone would make likely, for this network, this data and these settings.",
    "group_none": "Among these runs there are no two that differ in their seed alone, were completed and were left "
    "alone under way, so the table compares nothing.",
    "left_out": "Not compared with the others, by number: {runs} (other settings or other data, a seed that is there "
    "already, changed under way, or not completed).",
}

"""The report of a sweep in English."""

from __future__ import annotations

SWEEP_ENGLISH = {
    "sweep_title": "Does it make a difference? LeNet on {dataset} with {count} settings",
    "sweep_title_one": "One setting, many seeds: LeNet on {dataset}",
    "sweep_subtitle": "Sweep {sweep}, begun {time} UTC: {done} of {total} trainings done.",
    "sweep_unfinished": "The sweep is not finished: what follows holds for the trainings that are done. "
    "If it was stopped because of what it showed, its p are too small.",
    "sweep_diverged": "{setting}: trainings that diverged and are left out: {count}.",
    "sweep_question": "The question",
    "sweep_question_text": "The assignment trained once with gradient clipping and once without, and read off that "
    "clipping helps. Would another seed have said the same? Every training has {iterations} steps with batches of "
    "{batch_size}; its final accuracy is that on {total} images that were not trained on.",
    "sweep_answer": "The answer",
    "sweep_no_answer": "One setting alone is compared with nothing.",
    "sweep_all_diverged": "Every training diverged: nothing is compared.",
    "sweep_no_pair": "No two settings have completed the same seed: nothing is compared.",
    "axis_none": "not clipped",
    "axis_clip": "{value}",
    "axis_head_relu": "relu head",
    "axis_head_linear": "linear head",
    "axis_optimizer": "{value}",
    "axis_other": "{axis} {value}",
    "sweep_pair": "{other} against {reference}",
    "sweep_clipping": "Clipping by {rule}",
    "sweep_common": "{pair} ({common})",
    "sweep_raises": "{subject} raises accuracy: {figures}, {tested}; better on {wins} of {n} seeds.",
    "sweep_lowers": "{subject} lowers accuracy: {figures}, {tested}; better on {wins} of {n} seeds.",
    "sweep_none": "{subject}: no measurable difference: {figures}, {tested}. {needed}",
    "sweep_exploratory": "{subject}: exploratory. n = {n} is too few: even if all seeds agree, p adjusted for the "
    "number of comparisons ({count}) is {least}; at least {enough} seeds are needed.",
    "sweep_raises_short": "{subject} raises accuracy by {size} points",
    "sweep_lowers_short": "{subject} lowers accuracy by {size} points",
    "sweep_none_short": "{subject}: no measurable difference",
    "sweep_exploratory_short": "{subject}: exploratory, under {enough} seeds",
    "sweep_figures": "{mean} points of accuracy on average (95 % {low} to {high})",
    "sweep_tested": "adjusted p {p} over {n} seeds",
    "sweep_left_out": " (seeds left out because one of the two diverged: {count})",
    "sweep_needed_never": "No practicable number of seeds would show a difference of this size.",
    "sweep_needed_more": "To see a difference of this size four times out of five takes {needed} seeds, {more} more.",
    "sweep_needed_had": "{needed} seeds would see a difference of this size four times out of five.",
    "sweep_distributions": "The distributions",
    "sweep_caption_distributions": "Final accuracy of every seed, a row a setting; the bar is the median, the colour "
    "the number of dead classes.",
    "sweep_final_accuracy": "final validation accuracy",
    "sweep_dead_classes": "dead classes",
    "sweep_seeds": "seeds",
    "sweep_median_accuracy": "median accuracy",
    "sweep_range": "range",
    "sweep_from_to": "{low} to {high}",
    "sweep_median_loss": "median loss",
    "sweep_mean_dead": "dead classes, mean",
    "sweep_cause": "The cause: dead classes",
    "sweep_cause_text": "Median accuracy of the seeds by how many classes are dead at the end, in brackets the number "
    "of these seeds; r is the correlation of accuracy and dead classes. The output of a dead class is 0 and hardly "
    "ever the largest: nearly all of its images, about a tenth of all, are answered wrongly. With a linear head no "
    "class can die; a difference there has another cause.",
    "sweep_by_dead": "dead: median accuracy (seeds)",
    "sweep_differences": "The differences, seed by seed",
    "sweep_caption_differences": "Each dot is one seed's difference; the diamond is their mean with its 95 % interval.",
    "sweep_difference_axis": "difference in points of accuracy, seed by seed",
    "sweep_difference": "difference",
    "sweep_of": "in",
    "sweep_points": "points",
    "sweep_nats": "nats",
    "sweep_mean": "mean (95 %)",
    "sweep_median": "median",
    "sweep_adjusted": "adjusted p",
    "sweep_better": "better (95 %)",
    "sweep_share": "{count} of {total} ({low}\N{EN DASH}{high})",
    "sweep_no_interval": "no interval",
    "sweep_too_few": "exploratory",
    "sweep_one_run": "One run in the light of all",
    "sweep_caption_curves": "Median and middle half of all seeds (bold and shaded), and what the assignment saw: a "
    "single seed (thin, marked).",
    "sweep_validation_accuracy": "validation accuracy",
    "sweep_place": "{setting}, seed {seed}: accuracy {accuracy}; dead classes: {dead}; seeds that ended lower: "
    "{below} of {count}.",
    "sweep_method": "Method",
    "sweep_method_twins": "Every setting is trained from the same seeds: a seed decides the initial weights and the "
    "order of the images, so two settings of one seed are twins. What the seed does to both alike cancels in their "
    "difference; what it does to one of them alone does not, hence the scatter of the differences.",
    "sweep_method_measured": "Final loss and accuracy are measured on all validation images after the last step. The "
    "curves are sparse: at most twenty points, on as many images as an evaluation of a single run has.",
    "sweep_method_intervals": "Intervals are 95 % BCa bootstrap intervals of the mean difference (9,999 resamples), "
    "and Wilson intervals of the share of seeds that were better; each stands for itself, not adjusted for the number "
    "of comparisons. The p is that of a two-sided sign-flip test of the mean: exact up to 16 seeds, above that from at "
    "least 20,000 random sign patterns (~ before it). Holm's procedure adjusts it for all comparisons that the "
    "axes suggest, those included for which there is nothing to compare. r is the correlation of the two settings "
    "across seeds.",
    "sweep_method_rule": "A difference is called measurable if the adjusted p is below 0.05 and the interval leaves 0 "
    "out. Otherwise the sentence says that there is no measurable difference, or that it is exploratory where n seeds "
    "are too few for m comparisons: where even if all agree, the adjusted p of the first, 2m / 2^n, is not below 0.05. "
    "At least 6 seeds are needed for one comparison, 8 for four and 10 for twenty. The seeds needed for a difference "
    "of the size found are no fewer than these, and see it four times out of five by a two-sided t test at 5 % / m, "
    "the level that Holm's procedure asks of the first.",
    "sweep_method_dead": "A class is dead if the last ReLU keeps its output at 0 on every validation image. It then "
    "gets no gradient from any of them, so it is hardly ever revived. Without the last ReLU no class can die in this "
    "way.",
    "sweep_method_stacked": "Replicas are trained many at a time as one batched program; each equals the single run of "
    "its seed within rounding over its first steps, and in distribution over the whole run.",
    "sweep_data": "Data: {origin}, SHA-256 {checksum}. Versions: {versions}.",
}

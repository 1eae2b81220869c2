"""The English text of the report of a sweep."""

from __future__ import annotations

SWEEP_ENGLISH = {
    "sweep_title": "Do {count} settings make a difference? {experiment}",
    "sweep_title_one": "One setting, many seeds: {experiment}",
    "sweep_subtitle": "Sweep {sweep}, started {time} UTC: {done} of {total} trainings done.",
    "sweep_unfinished": "The sweep is not finished: the results cover only the trainings that are done. Stopping "
    "early because of the results makes p look smaller than it is.",
    "sweep_diverged": "{setting}: trainings left out because they diverged: {count}.",
    "sweep_question": "The question",
    "sweep_question_assignment": "The assignment trained once with gradient clipping and once without, and "
    "concluded that clipping helps. Would another seed lead to the same conclusion?",
    "sweep_question_text": "Every training here has {iterations} steps with batches of {batch_size}; its final "
    "result is measured on {total} {validation}, which are not trained on.",
    "sweep_answer": "The answer",
    "sweep_no_answer": "There is only one setting, so there is nothing to compare.",
    "sweep_all_diverged": "Every training diverged, so there is nothing to compare.",
    "sweep_no_pair": "No seed is complete for two settings, so there is nothing to compare.",
    "axis_not_clipped": "not clipped",
    "axis_clip": "{value}",
    "axis_head_relu": "ReLU on the logits",
    "axis_head_linear": "plain logits",
    "axis_optimizer": "{value}",
    "axis_other": "{axis} {value}",
    "sweep_pair": "{other} vs. {reference}",
    "sweep_replacing": "Replacing {reference} with {other}",
    "sweep_clipping": "Clipping by {rule}",
    "sweep_pair_in_common": "{pair} ({common})",
    "sweep_raises": "{subject} raises {metric}: {figures}, {tested}{better}.",
    "sweep_lowers": "{subject} lowers {metric}: {figures}, {tested}{better}.",
    "sweep_better_on": "; better on {wins} of {n} seeds",
    "sweep_points": " percentage points",
    "sweep_in_points": "{metric}, percentage points",
    "sweep_solved_of": "Seeds that solved the task ({metric} {bound} at the end): {counts}.",
    "sweep_solved_count": "{setting}: {share}",
    "sweep_at_least": "at least {value}",
    "sweep_at_most": "at most {value}",
    "sweep_solved": "solved",
    "sweep_semicolon": "; ",
    "sweep_none": "{subject}: no measurable difference: {figures}, {tested}. {needed}",
    "sweep_exploratory": "{subject}: exploratory. n = {n} is too few: even if all seeds agreed, p adjusted for the "
    "number of comparisons ({count}) would be {least}. At least {enough} seeds are needed.",
    "sweep_exploratory_many": "{number} comparisons are exploratory. n = {n} is too few: even if all seeds agreed, p "
    "adjusted for the number of comparisons ({count}) would be {least}. At least {enough} seeds are needed.",
    "sweep_exploratory_many_short": "{number} comparisons are exploratory: n = {n} is too few, {enough} are needed",
    "sweep_measurable_short": "{subject}: {metric} {size}{unit}",
    "sweep_none_short": "{subject}: no measurable difference",
    "sweep_exploratory_short": "{subject}: exploratory, needs {enough} seeds",
    "sweep_figures": "{mean}{unit} on average (95 % interval {low} to {high})",
    "sweep_tested": "adjusted p {p} over {n} seeds",
    "sweep_left_out": " (left out because one of the two diverged: {count})",
    "sweep_needed_unreachable": "No practicable number of seeds would detect a difference of this size.",
    "sweep_needed_more": "Detecting a difference of this size with 80 % power takes {needed} seeds, {more} more.",
    "sweep_needed_reached": "{needed} seeds are enough to detect a difference of this size with 80 % power.",
    "sweep_distributions": "The distributions",
    "sweep_caption_distributions": "Final {metric} of every seed, one row per setting. Bar: median.{colour}",
    "sweep_caption_colour": " Colour: number of dead outputs.",
    "sweep_final_accuracy": "final validation {metric}",
    "sweep_dead_outputs": "dead outputs",
    "sweep_seeds": "seeds",
    "sweep_median_accuracy": "median {metric}",
    "sweep_range": "range",
    "sweep_from_to": "{low} to {high}",
    "sweep_median_loss": "median loss",
    "sweep_mean_dead": "dead outputs, mean",
    "sweep_cause": "The cause: dead outputs",
    "sweep_cause_text": "Median accuracy of the seeds, grouped by the number of dead outputs at the end (number of "
    "seeds in brackets). r is Pearson's correlation between accuracy and the number of dead outputs, from -1 (the more "
    "dead outputs, the lower the accuracy, on a line) to 1; near 0, the two are unrelated. A dead output is 0 for "
    "every image and hardly ever the largest, so nearly all images of its class (about a tenth of all images) are "
    "misclassified. With plain logits no output can die; a difference there has another cause.",
    "sweep_by_dead": "dead outputs: median accuracy (seeds)",
    "sweep_sensitivity": "Sensitivity",
    "sweep_sensitivity_text": "Median final {metric} for each combination of {rows} and {columns}.{solved}",
    "sweep_sensitivity_solved": " In brackets: how many of the seeds trained solved the task.",
    "sweep_some_diverged": "{cell}, {count} diverged",
    "sweep_solved_cell": "{cell} ({count} of {total})",
    "sweep_best": "The best {rows} for each {columns}: {best}.",
    "sweep_best_of": "{column}: {row}",
    "sweep_caption_map": "Each cell: median final {metric}{solved}. The darker, the better; framed: works.",
    "sweep_caption_map_solved": ", and how many of the seeds solved the task",
    "sweep_map_title": "median {metric}; framed: near the best",
    "sweep_map_title_solved": "median {metric}; below: seeds that solved the task; framed: at least half did",
    "sweep_map_cell_diverged": "{count} diverged",
    "sweep_map_works": "Values of the {columns} that work ({rule}): {ranges}.",
    "sweep_map_solved": "at least half of the seeds solved the task",
    "sweep_map_near_share": "median {metric} within {reach} percentage points of the best, {best}",
    "sweep_map_near": "median {metric} within {reach} % of the best, {best}",
    "sweep_map_range": "{row}: {range}",
    "sweep_map_from_to": "{low} to {high}",
    "sweep_map_nothing": "none of {count}",
    "sweep_map_wider": "Clipping by {rule} widens the range: at {gained}, training works with it but not without "
    "clipping.",
    "sweep_map_narrower": "Clipping by {rule} narrows the range: at {lost}, training works without clipping but not "
    "with it.",
    "sweep_map_same": "Clipping by {rule} does not clearly change the range.",
    "sweep_map_moved": "Clipping by {rule} moves the range: at {gained}, training works with it but not without "
    "clipping; at {lost}, it is the other way round.",
    "sweep_map_few": "To tell whether clipping changes the range takes at least {seeds} seeds for each value.",
    "sweep_map_edge": "A range that ends at {edges} may go on there: nothing beyond was tried.",
    "sweep_differences": "The differences, seed by seed",
    "sweep_caption_differences": "Each dot is the difference for one seed; the diamond is the mean with its 95 % "
    "interval.",
    "sweep_difference_axis": "difference in {metric}",
    "sweep_difference": "difference",
    "sweep_quantity": "quantity",
    "sweep_loss_nats": "loss, nats",
    "sweep_unit_points": "Percentage points: the difference of two percentages. From 50 % to 60 % are +10 percentage "
    "points.",
    "sweep_unit_nats": "Nats: the unit of the loss, which is the mean of -ln(p), where p is the probability that "
    "the network gives to the right class. Guessing among {classes} classes costs ln {classes} = {chance} nats. A "
    "difference of +0.693 (ln 2) nats means that p is half as large (geometric mean). Less is better.",
    "sweep_unit_r": "r: Pearson's correlation of the two settings across seeds, from -1 to 1. Near 1, seeds that are "
    "good for one setting are good for the other, and comparing seed by seed removes most of the scatter. Near 0, a "
    "result says nothing about the other with the same seed.",
    "sweep_mean": "mean (95 %)",
    "sweep_median": "median",
    "sweep_adjusted": "adjusted p",
    "sweep_better": "better (95 %)",
    "sweep_share": "{count} of {total} ({low}\N{EN DASH}{high})",
    "sweep_no_interval": "no interval",
    "sweep_too_few": "exploratory",
    "sweep_one_run": "One run among all seeds",
    "sweep_caption_curves": "Bold line: median of all seeds. Shaded: middle half. Thin line with markers: a single "
    "seed{assignment}.",
    "sweep_caption_assignment": ", which is all that the assignment saw",
    "sweep_validation_accuracy": "validation {metric}",
    "sweep_place": "{setting}, seed {seed}: {metric} {value}{dead}; seeds that ended lower: {below} of {count}.",
    "sweep_place_dead": "; dead outputs: {dead}",
    "sweep_method": "Method",
    "sweep_method_pairing": "Every setting is trained from the same seeds. A seed decides the initial weights and "
    "the order of the {examples}, so two settings with the same seed form a pair. Whatever the seed does to both "
    "alike cancels in their difference; what it does to only one of them does not, which is why the differences "
    "scatter.",
    "sweep_method_measured": "Final loss and metrics are measured on all {validation} after the last step. The "
    "curves have at most twenty points, each measured on as many {examples} as one evaluation of a single run.",
    "sweep_method_intervals": "Intervals are 95 % BCa bootstrap intervals of the mean difference (9,999 resamples) "
    "and 95 % Wilson intervals of shares of seeds: of those that were better, and of those that solved the task. "
    "Each interval stands alone: it is not adjusted for the number of comparisons. p is that of a two-sided "
    "sign-flip test of the mean: exact for up to 16 seeds, and above that estimated from at least 20,000 random "
    "sign patterns and marked with ~. Holm's procedure adjusts it for all comparisons that the axes define, "
    "including those without data. r is the correlation of the two settings across seeds.",
    "sweep_method_rule": "A difference is called measurable if the adjusted p is below 0.05 and the interval excludes "
    "0. Otherwise the answer is “no measurable difference”, or “exploratory” if n seeds are too few for m comparisons: "
    "even if all seeds agreed, the smallest adjusted p, 2m / 2^n, would not be below 0.05. One comparison needs at "
    "least 6 seeds, four need 8 and twenty need 10. The number of seeds needed for a difference of the observed size "
    "is never below this minimum, and gives a two-sided t test 80 % power at level 5 % / m, the level that Holm's "
    "procedure applies to the smallest p.",
    "sweep_method_dead": "An output is dead if the ReLU on the logits keeps it at 0 for every validation image. It "
    "then gets no gradient from any of these images, so it hardly ever recovers. With plain logits no output can die "
    "in this way.",
    "sweep_method_map": "In the map, a value works if at least half of its seeds solved the task; if the task has no "
    "such threshold, if the median is within 5 percentage points of the best cell (10 % for other metrics than shares) "
    "and fewer than half of the seeds diverged. Clipping is said to widen or narrow the range only by values that work "
    "on one side alone and whose difference is clear: the 95 % Wilson intervals of the shares of seeds do not overlap. "
    "Without a threshold it is the intervals of the shares that diverged, if at least half of the seeds did, or those "
    "of the medians, if these also differ by more than those 5 percentage points or 10 %. The intervals are not "
    "adjusted for the number of values.",
    "sweep_method_stacked": "Replicas are trained many at a time as one batched program. Each matches the single run "
    "of its seed within rounding over its first steps, and in distribution over the whole run.",
    "sweep_data": "Data: {origin}, SHA-256 {checksum}. Versions: {versions}.",
}

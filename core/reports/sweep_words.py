"""The sentences about a sweep: names of settings and comparisons, and their results in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from ..safe_text import printable
from ..statistics.intervals import wilson_interval
from ..statistics.paired import PairedDifferences, fewest_seeds
from ..stream.sweep_config import Setting, Value
from ..stream.sweep_events import Results
from ..sweeps.comparisons import Comparison, Summary, summaries
from .metric_words import change, digits, metric_name, unit
from .phrases import Phrase, Words
from .settings import setting_name

# The most settings that one sentence lists.
_MOST_IN_A_SENTENCE = 4


def value_words(axis: str, value: Value, words: Words) -> str:
    """The name of a value of an axis."""
    if axis == "clip" and value == "none":
        return words.plain("axis_not_clipped")
    if axis in ("clip", "optimizer"):
        return words.plain(f"axis_{axis}", value=printable(str(value)))
    other = words.plain("axis_other", axis=axis_name(axis, words), value=printable(str(value)))
    return words.known(f"axis_{axis}_{value}", other)


def axis_name(axis: str, words: Words) -> str:
    """The name of an axis."""
    if axis == "clip":
        return words.plain("rule")
    return printable(axis.replace("_", " ")) if words.language == "en" else setting_name(axis, words)


def setting_words(setting: Setting, words: Words) -> str:
    """The name of a setting: its value on every axis."""
    return words.plain("comma").join(value_words(axis, value, words) for axis, value in setting.choice.items())


def pair_words(comparison: Comparison, words: Words) -> str:
    """The name of a comparison: its two values, and in brackets what both settings have in common."""
    return _with_common(comparison, words.plain("sweep_pair", **_values(comparison, words)), words)


def answers(results: Results, compared: Sequence[Comparison], words: Words) -> list[Phrase]:
    """A sentence for each comparison, or one that says why there is none. Exploratory ones share one sentence.

    The last one says how many seeds solved the task, if the experiment says when that is.
    """
    if results.all_diverged and not results.unfinished:
        return [words("sweep_all_diverged")]
    is_single = len(results.started.config.settings) == 1
    no_comparison = words("sweep_no_answer" if is_single else "sweep_no_pair")
    alone, shared = apart(compared, words)
    solved = solved_sentence(summaries(results), words)
    found = [*(sentence(comparison, words) for comparison in alone), *shared] or [no_comparison]
    return [*found, *([solved] if solved else ())]


def apart(
    compared: Sequence[Comparison], words: Words, *, short: bool = False
) -> tuple[list[Comparison], list[Phrase]]:
    """The comparisons that need a sentence each, and one for the exploratory ones if there is more than one of them."""
    exploratory = [comparison.main.paired for comparison in compared if comparison.exploratory]
    if len(exploratory) < 2:
        return list(compared), []
    most = max(exploratory, key=lambda found: found.n)
    phrase = words(f"sweep_exploratory_many{'_short' * short}", number=len(exploratory), **_too_few(most))
    return [comparison for comparison in compared if not comparison.exploratory], [phrase]


def sentence(comparison: Comparison, words: Words) -> Phrase:
    """The result of a comparison as a sentence with all its figures."""
    main, subject = comparison.main, _subject(comparison, words, "sweep_replacing")
    found = main.paired
    if comparison.exploratory:
        return words("sweep_exploratory", subject=subject, **_too_few(found))
    low, high = (change(main.metric, bound) for bound in found.interval)
    mean = change(main.metric, found.mean)
    figures = words.plain("sweep_figures", mean=mean, unit=unit(main.metric, words), low=low, high=high)
    p = p_words(main.adjusted_p)
    tested = words.plain("sweep_tested", p=p if p.startswith("<") else f"= {p}", n=found.n)
    if comparison.left_out:
        tested += words.plain("sweep_left_out", count=comparison.left_out)
    parts = {"subject": subject, "figures": figures, "tested": tested}
    if comparison.measurable:
        better = "" if main.better is None else words.plain("sweep_better_on", wins=main.better, n=found.n)
        key = "sweep_raises" if found.mean > 0 else "sweep_lowers"
        return words(key, **parts, metric=metric_name(main.metric, words), better=better)
    return words("sweep_none", **parts, needed=_needed(found, words))


def short_sentence(comparison: Comparison, words: Words) -> Phrase:
    """The result of a comparison in short, for places that show the figures as well."""
    main, subject = comparison.main, _subject(comparison, words, "sweep_pair")
    if comparison.exploratory:
        return words("sweep_exploratory_short", subject=subject, enough=fewest_seeds(main.paired.comparisons))
    if not comparison.measurable:
        return words("sweep_none_short", subject=subject)
    size = f"{main.paired.mean:+.{digits(main.metric) - 1}f}"
    metric = metric_name(main.metric, words)
    return words("sweep_measurable_short", subject=subject, metric=metric, size=size, unit=unit(main.metric, words))


def solved_sentence(described: Sequence[Summary], words: Words) -> Phrase | None:
    """How many seeds of each setting solved the task; None if the experiment says nothing of that.

    None too for many settings, of which only a table can be read.
    """
    found = [(summary, summary.solved) for summary in described]
    counts = [
        words.plain(
            "sweep_solved_count",
            setting=setting_words(summary.setting, words),
            share=share_words(solved, summary.trained, words),
        )
        for summary, solved in found
        if solved is not None
    ]
    if not 1 <= len(counts) <= _MOST_IN_A_SENTENCE:
        return None
    metric = described[0].metric
    bound = words.plain("sweep_at_most" if metric.lower_is_better else "sweep_at_least", value=f"{metric.solved_at:g}")
    counted = words.plain("sweep_semicolon").join(counts)
    return words("sweep_solved_of", metric=metric_name(metric, words), bound=bound, counts=counted)


def share_words(count: int, total: int, words: Words) -> str:
    """The count of the seeds and the 95 % Wilson interval of their share."""
    low, high = (f"{bound:.2f}" for bound in wilson_interval(count, total))
    return words.plain("sweep_share", count=count, total=total, low=low, high=high)


def by_dead_words(summary: Summary) -> str:
    """Median metric and number of seeds by number of dead outputs: `0: 0.95 (12), 1: 0.86 (8)`."""
    groups = summary.median_by_dead.items()
    return ", ".join(f"{dead}: {accuracy:.2f} ({seeds})" for dead, (accuracy, seeds) in groups)


def _subject(comparison: Comparison, words: Words, pair_key: str) -> str:
    """The subject of a sentence: a clip rule compared with no clipping, or else the pair as in `pair_key`."""
    if comparison.axis == "clip" and comparison.reference.choice["clip"] == "none":
        clipping = words.plain("sweep_clipping", rule=printable(str(comparison.other.choice["clip"])))
        return _with_common(comparison, clipping, words)
    pair = _with_common(comparison, words.plain(pair_key, **_values(comparison, words)), words)
    return pair[:1].upper() + pair[1:]


def _values(comparison: Comparison, words: Words) -> dict[str, str]:
    """The names of the two values that are compared."""
    axis, settings = comparison.axis, {"other": comparison.other, "reference": comparison.reference}
    return {name: value_words(axis, setting.choice[axis], words) for name, setting in settings.items()}


def _with_common(comparison: Comparison, pair: str, words: Words) -> str:
    common = [
        value_words(axis, value, words) for axis, value in comparison.other.choice.items() if axis != comparison.axis
    ]
    return words.plain("sweep_pair_in_common", pair=pair, common=words.plain("comma").join(common)) if common else pair


def _too_few(found: PairedDifferences) -> dict[str, object]:
    """Why these seeds are too few, and how many are needed."""
    return {
        "n": found.n,
        "least": f"{found.smallest_p:.3g}",
        "count": found.comparisons,
        "enough": fewest_seeds(found.comparisons),
    }


def _needed(found: PairedDifferences, words: Words) -> str:
    if found.needed is None:
        return words.plain("sweep_needed_unreachable")
    if (more := found.needed - found.n) > 0:
        return words.plain("sweep_needed_more", needed=f"{found.needed:,}", more=f"{more:,}")
    return words.plain("sweep_needed_reached", needed=f"{found.needed:,}")


def p_words(value: float) -> str:
    """Format p to four places; 20,000 random sign patterns give no more precision."""
    return f"{value:.4f}" if value >= 0.0001 else "<0.0001"

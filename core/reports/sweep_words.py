"""The sentences about a sweep: names of settings and comparisons, and their results in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from ..safe_text import printable
from ..statistics.paired import PairedDifferences, fewest_seeds
from ..stream.sweep_config import Setting, Value
from ..stream.sweep_events import Results
from ..sweeps.comparisons import Comparison, Summary
from .phrases import Phrase, Words


def value_words(axis: str, value: Value, words: Words) -> str:
    """The name of a value of an axis."""
    if axis == "clip" and value == "none":
        return words.plain("axis_not_clipped")
    if axis == "head":
        return words.plain(f"axis_head_{value}")
    if axis in ("clip", "optimizer"):
        return words.plain(f"axis_{axis}", value=printable(str(value)))
    name = axis.replace("_", " ") if words.language == "en" else words.plain(f"set_{axis}")
    return words.plain("axis_other", axis=name, value=value)


def setting_words(setting: Setting, words: Words) -> str:
    """The name of a setting: its value on every axis."""
    return words.plain("comma").join(value_words(axis, value, words) for axis, value in setting.choice.items())


def pair_words(comparison: Comparison, words: Words) -> str:
    """The name of a comparison: its two values, and in brackets what both settings have in common."""
    return _with_common(comparison, words.plain("sweep_pair", **_values(comparison, words)), words)


def answers(results: Results, compared: Sequence[Comparison], words: Words) -> list[Phrase]:
    """A sentence for each comparison, or one that says why there is none. Exploratory ones share one sentence."""
    if results.all_diverged and not results.unfinished:
        return [words("sweep_all_diverged")]
    is_single = len(results.started.config.settings) == 1
    no_comparison = words("sweep_no_answer" if is_single else "sweep_no_pair")
    alone, shared = apart(compared, words)
    return [*(sentence(comparison, words) for comparison in alone), *shared] or [no_comparison]


def apart(
    compared: Sequence[Comparison], words: Words, *, short: bool = False
) -> tuple[list[Comparison], list[Phrase]]:
    """The comparisons that need a sentence each, and one for the exploratory ones if there is more than one of them."""
    exploratory = [comparison.accuracy for comparison in compared if comparison.exploratory]
    if len(exploratory) < 2:
        return list(compared), []
    most = max(exploratory, key=lambda found: found.n)
    phrase = words(f"sweep_exploratory_many{'_short' * short}", number=len(exploratory), **_too_few(most))
    return [comparison for comparison in compared if not comparison.exploratory], [phrase]


def sentence(comparison: Comparison, words: Words) -> Phrase:
    """The result of a comparison as a sentence with all its figures."""
    found, subject = comparison.accuracy, _subject(comparison, words, "sweep_replacing")
    if comparison.exploratory:
        return words("sweep_exploratory", subject=subject, **_too_few(found))
    low, high = (f"{bound:+.2f}" for bound in found.interval)
    figures = words.plain("sweep_figures", mean=f"{found.mean:+.2f}", low=low, high=high)
    p = p_words(comparison.accuracy_p)
    tested = words.plain("sweep_tested", p=p if p.startswith("<") else f"= {p}", n=found.n)
    if comparison.left_out:
        tested += words.plain("sweep_left_out", count=comparison.left_out)
    parts = {"subject": subject, "figures": figures, "tested": tested}
    if comparison.measurable:
        return words("sweep_raises" if found.mean > 0 else "sweep_lowers", **parts, wins=found.wins, n=found.n)
    return words("sweep_none", **parts, needed=_needed(found, words))


def short_sentence(comparison: Comparison, words: Words) -> Phrase:
    """The result of a comparison in short, for places that show the figures as well."""
    found, subject = comparison.accuracy, _subject(comparison, words, "sweep_pair")
    if comparison.exploratory:
        return words("sweep_exploratory_short", subject=subject, enough=fewest_seeds(found.comparisons))
    if comparison.measurable:
        return words("sweep_measurable_short", subject=subject, size=f"{found.mean:+.1f}")
    return words("sweep_none_short", subject=subject)


def by_dead_words(summary: Summary) -> str:
    """Median accuracy and number of seeds by number of dead outputs: `0: 0.95 (12), 1: 0.86 (8)`."""
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

"""What is said of a sweep in words: its settings, what is compared, and what came of it in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from ..statistics.paired import PairedDifferences, fewest_seeds
from ..stream.sweep_config import Setting, Value
from ..stream.sweep_events import Results
from ..sweeps.comparisons import Comparison, Summary, p_words
from ..text import printable
from .phrases import Phrase, Words


def value_words(axis: str, value: Value, words: Words) -> str:
    """A value of an axis."""
    if axis == "clip" and value == "none":
        return words.plain("axis_none")
    if axis == "head":
        return words.plain(f"axis_head_{value}")
    if axis in ("clip", "optimizer"):
        return words.plain(f"axis_{axis}", value=printable(str(value)))
    name = axis.replace("_", " ") if words.language == "en" else words.plain(f"set_{axis}")
    return words.plain("axis_other", axis=name, value=value)


def setting_words(setting: Setting, words: Words) -> str:
    """What tells a setting from the others."""
    return words.plain("comma").join(value_words(axis, value, words) for axis, value in setting.choice.items())


def pair_words(comparison: Comparison, words: Words) -> str:
    """What is compared, and what both have in common."""
    other, reference = (
        value_words(comparison.axis, setting.choice[comparison.axis], words)
        for setting in (comparison.other, comparison.reference)
    )
    return _with_common(comparison, words.plain("sweep_pair", other=other, reference=reference), words)


def answers(results: Results, compared: Sequence[Comparison], words: Words) -> list[Phrase]:
    """What follows from each comparison, or why there is none."""
    if results.all_diverged and not results.unfinished:
        return [words("sweep_all_diverged")]
    alone = len(results.started.config.settings) == 1
    nothing = words("sweep_no_answer" if alone else "sweep_no_pair")
    return [sentence(comparison, words) for comparison in compared] or [nothing]


def sentence(comparison: Comparison, words: Words) -> Phrase:
    """What follows, in plain words."""
    found, subject = comparison.accuracy, _subject(comparison, words)
    if comparison.exploratory:
        why = {
            "least": f"{found.smallest_p:.3g}",
            "count": found.comparisons,
            "enough": fewest_seeds(found.comparisons),
        }
        return words("sweep_exploratory", subject=subject, n=found.n, **why)
    low, high = (f"{bound:+.2f}" for bound in found.interval)
    figures = words.plain("sweep_figures", mean=f"{found.mean:+.2f}", low=low, high=high)
    p = p_words(comparison.accuracy_p)
    tested = words.plain("sweep_tested", p=p if p.startswith("<") else f"= {p}", n=found.n)
    if comparison.left_out:
        tested += words.plain("sweep_left_out", count=comparison.left_out)
    told = {"subject": subject, "figures": figures, "tested": tested}
    if comparison.measurable:
        return words(f"sweep_{_verb(found)}", **told, wins=found.wins, n=found.n)
    return words("sweep_none", **told, needed=_needed(found, words))


def short_sentence(comparison: Comparison, words: Words) -> Phrase:
    """The same in one line, for where the figures stand beside it."""
    found, subject = comparison.accuracy, _subject(comparison, words)
    if comparison.exploratory:
        return words("sweep_exploratory_short", subject=subject, enough=fewest_seeds(found.comparisons))
    if comparison.measurable:
        return words(f"sweep_{_verb(found)}_short", subject=subject, size=f"{abs(found.mean):.1f}")
    return words("sweep_none_short", subject=subject)


def by_dead_words(summary: Summary) -> str:
    """`0: 0.95 (12), 1: 0.86 (8)`: dead classes, median accuracy, how many seeds."""
    groups = summary.median_by_dead.items()
    return ", ".join(f"{dead}: {accuracy:.2f} ({seeds})" for dead, (accuracy, seeds) in groups)


def _verb(found: PairedDifferences) -> str:
    return "raises" if found.mean > 0 else "lowers"


def _subject(comparison: Comparison, words: Words) -> str:
    if comparison.axis == "clip" and comparison.reference.choice["clip"] == "none":
        clipping = words.plain("sweep_clipping", rule=printable(str(comparison.other.choice["clip"])))
        return _with_common(comparison, clipping, words)
    pair = pair_words(comparison, words)
    return pair[:1].upper() + pair[1:]


def _with_common(comparison: Comparison, pair: str, words: Words) -> str:
    common = [
        value_words(axis, value, words) for axis, value in comparison.other.choice.items() if axis != comparison.axis
    ]
    return words.plain("sweep_common", pair=pair, common=words.plain("comma").join(common)) if common else pair


def _needed(found: PairedDifferences, words: Words) -> str:
    if found.needed is None:
        return words.plain("sweep_needed_never")
    if (more := found.needed - found.n) > 0:
        return words.plain("sweep_needed_more", needed=f"{found.needed:,}", more=f"{more:,}")
    return words.plain("sweep_needed_had", needed=f"{found.needed:,}")

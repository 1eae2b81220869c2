"""The sentences of an audit's findings: one source for the screen, the log, the console and the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..safe_text import printable
from .events import LoopAudited
from .watch_events import Finding

Figures = Mapping[str, float]
# What the loop should change, the gravest first, and then what it merely does.
_MISTAKES: tuple[Finding, ...] = ("still-scaled", "too-late", "clipped-twice", "no-gradient", "zero-gradient")
_ORDER: tuple[Finding, ...] = (
    *_MISTAKES,
    "never-engaged",
    "not-clipped",
    "clips-norm",
    "clips-value",
    "changes-gradient",
    "not-seen",
)


def most_important(audit: Mapping[str, LoopAudited]) -> LoopAudited | None:
    """The finding to show where there is room for one: mistakes first, then what the loop does."""
    return next(iter(by_importance(audit)), None)


def by_importance(audit: Mapping[str, LoopAudited]) -> list[LoopAudited]:
    """The findings that hold: mistakes first, then what the loop does."""
    found = [audit[finding] for finding in _ORDER if finding in audit]
    return sorted(found, key=lambda event: not is_mistake(event))


def is_mistake(event: LoopAudited) -> bool:
    """Whether the loop should be changed. Otherwise the finding only says what the loop does."""
    if event.gone:
        return False
    if event.finding == "no-gradient":
        # Parameters are frozen on purpose.
        return event.figures.get("parameters") != event.figures.get("frozen")
    return event.finding in _MISTAKES


def audit_words(event: LoopAudited) -> tuple[str, ...]:
    """The sentence of an event, in forms from long to short; of one that is `gone`, what no longer holds."""
    if event.gone:
        return (_gone(event),)
    return audit_sentence(event.finding, event.figures, event.names)


def audit_sentence(finding: Finding, figures: Figures, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The sentence of a finding, in forms from long to short. A figure that is missing is left out."""
    forms = _SENTENCES[finding](figures)
    brief = _brief(finding, figures)
    if not names:
        return *forms, brief
    more = ", ..." if figures.get("parameters", 0) > len(names) else ""
    return f"{forms[0]}: {', '.join(map(printable, names))}{more}", *forms, brief


def _gone(event: LoopAudited) -> str:
    if event.finding == "never-engaged":
        if "changed" in event.figures:
            return "the rule has changed since"
        whose = next((whose for name, whose in _WHOSE.items() if name in event.figures), "clipping")
        return f"{whose} has engaged"
    return _GONE[event.finding]


def _brief(finding: Finding, figures: Figures) -> str:
    if finding == "still-scaled" and "bound" not in figures:
        return "gradients still scaled"
    if finding == "changes-gradient" and "engaged" in figures:
        return "loop clips seldom"
    return _BRIEF[finding]


def _not_clipped(figures: Figures) -> tuple[str, ...]:
    was = f"‖g‖ was {_size(figures['norm'])}" if "norm" in figures else "the gradient"
    if hooked := figures.get("hooked"):
        # A hook of the loop's may clip within `backward`, where the audit does not look.
        return (
            f"{was} and reached the optimizer unchanged; what the loop's hooks on {_count(hooked, 'parameter')} do is "
            "not seen",
            f"{was} and reached the optimizer unchanged",
        )
    long = f"{was} and reached the optimizer unchanged: this loop does not clip"
    return f"{long} (a call before `backward` does nothing)", long, f"{was}: this loop does not clip"


def _clips(figures: Figures, unit: str) -> tuple[str, ...]:
    bound = f" to {_number(figures['bound'])}" if "bound" in figures else ""
    long = f"your loop clips {unit}{bound} before the optimizer"
    if "share" not in figures:
        return (long,)
    share = _share(figures["share"])
    measured = f" {_whole(figures['measured'])} measured" if "measured" in figures else ""
    return (
        f"{long}: engaged on {share} of{measured} steps",
        f"your loop clips {unit}{bound}: engaged on {share} of steps",
        f"your loop clips{bound}: engaged on {share} of steps",
        f"clips{bound}: {share} of steps",
    )


def _changes(figures: Figures) -> tuple[str, ...]:
    if factor := figures.get("factor"):
        return (
            f"your loop multiplies the gradient by {_size(factor)} between backward and the optimizer",
            f"your loop multiplies the gradient by {_size(factor)}",
        )
    if "engaged" in figures and "steps" in figures:
        share = f"{_whole(figures['engaged'])} of {_count(figures['steps'], 'step')}"
        return f"your loop's clipping engaged on {share}", f"clipping engaged on {share}"
    long = "your loop changes the gradient between backward and the optimizer, but not by clipping to one bound"
    short = "your loop changes the gradient before the optimizer"
    if "norm" in figures and "used_norm" in figures:
        norms = f"‖g‖ {_size(figures['norm'])} → {_size(figures['used_norm'])}"
        return f"{long} ({norms})", f"{short}: {norms}", short
    return long, short


def _clipped_twice(figures: Figures) -> tuple[str, ...]:
    bound = f" to {_number(figures['bound'])}" if "bound" in figures else ""
    return (
        f"clipped twice: your loop clips{bound} before the rule does; remove it from the loop",
        f"clipped twice: your loop clips{bound}, too",
    )


def _still_scaled(figures: Figures) -> tuple[str, ...]:
    by = f"still multiplied by {_number(figures['scale'])}" if "scale" in figures else "still multiplied by its scale"
    if "bound" not in figures:
        return f"the optimizer gets gradients {by}: step with `scaler.step`", f"{by}: step with `scaler.step`"
    clipped = f"your loop clips to {_number(figures['bound'])} what is {by}"
    return f"{clipped}: clip after `scaler.unscale_`", f"{by}: clip after `scaler.unscale_`"


def _too_late(figures: Figures) -> tuple[str, ...]:
    short = "changed after `optimizer.step()`: too late"
    if "norm" in figures and "late_norm" in figures:
        norms = f"from {_size(figures['norm'])} to {_size(figures['late_norm'])}"
        return f"‖g‖ is changed {norms} only after `optimizer.step()`: too late", f"the gradient is {short}", short
    return f"the gradient is {short}", short


def _never_engaged(figures: Figures) -> tuple[str, ...]:
    for name, whose in _WHOSE.items():
        if name in figures:
            steps = _whole(figures[name])
            return f"{whose} has not engaged in {steps} steps so far", f"not engaged in {steps} steps"
    if "steps" not in figures:
        return ("clipping has not engaged once",)
    steps = _whole(figures["steps"])
    if "measured" in figures:
        measured = _whole(figures["measured"])
        return (
            f"your loop's clipping has not engaged on any of the {measured} steps measured so far ({steps} trained)",
            f"clipping has not engaged on {measured} measured steps",
        )
    return f"clipping has not engaged once in {steps} steps", f"not engaged in {steps} steps"


def _no_gradient(figures: Figures) -> tuple[str, ...]:
    count, frozen = figures.get("parameters", 1.0), figures.get("frozen", 0.0)
    if frozen == count:
        return (f"{_count(count, 'parameter')} of the optimizer {_are(count)} frozen and {_get(count)} no gradient",)
    but = f", of which {_whole(frozen)} {_are(frozen)} frozen" if frozen else ""
    return f"the gradient of {_count(count, 'parameter')} is None{but}", f"gradient None: {_count(count, 'parameter')}"


def _zero_gradient(figures: Figures) -> tuple[str, ...]:
    count = _count(figures.get("parameters", 1.0), "parameter")
    steps = f" for {_whole(figures['steps'])} steps" if "steps" in figures else ""
    return f"the gradient of {count} has been 0{steps}", f"gradient 0{steps}: {count}"


def _not_seen(figures: Figures) -> tuple[str, ...]:
    why = "the gradients did not come from a backward that the audit can see"
    if processes := figures.get("processes"):
        why = f"gradients are averaged over {_whole(processes)} processes after backward"
    elif refused := figures.get("refused"):
        why = f"{_count(refused, 'parameter')} of this model {_take(refused)} no hooks"
    return f"whether the loop clips cannot be seen: {why}", f"not seen: {why}"


_SENTENCES: dict[Finding, Callable[[Figures], tuple[str, ...]]] = {
    "not-clipped": _not_clipped,
    "clips-norm": lambda figures: _clips(figures, "the norm"),
    "clips-value": lambda figures: _clips(figures, "each element"),
    "changes-gradient": _changes,
    "clipped-twice": _clipped_twice,
    "still-scaled": _still_scaled,
    "too-late": _too_late,
    "never-engaged": _never_engaged,
    "no-gradient": _no_gradient,
    "zero-gradient": _zero_gradient,
    "not-seen": _not_seen,
}
# At most about 20 cells.
_BRIEF: dict[Finding, str] = {
    "not-clipped": "not clipped",
    "clips-norm": "loop clips the norm",
    "clips-value": "loop clips elements",
    "changes-gradient": "gradient changed",
    "clipped-twice": "clipped twice",
    "still-scaled": "clipped while scaled",
    "too-late": "clipped too late",
    "never-engaged": "clipping never engaged",
    "no-gradient": "gradients are None",
    "zero-gradient": "gradients are 0",
    "not-seen": "backward not seen",
}
# The figures of `never-engaged` that count the steps, and whose clipping they are about.
_WHOSE = {"rule_steps": "the rule", "loop_steps": "your loop's clipping"}
# What holds once the finding does not.
_GONE: dict[Finding, str] = {
    "not-clipped": "the gradient no longer reaches the optimizer unchanged",
    "clips-norm": "your loop no longer clips the norm to that bound",
    "clips-value": "your loop no longer clips each element to that bound",
    "changes-gradient": "your loop no longer changes the gradient in this way",
    "clipped-twice": "no longer clipped twice",
    "still-scaled": "gradients are no longer clipped while they are scaled",
    "too-late": "the gradient is no longer changed after `optimizer.step()`",
    "no-gradient": "the parameters without a gradient have got one",
    "zero-gradient": "the gradients that were 0 are so no more",
    "not-seen": "backward is seen now",
}


def _size(value: float) -> str:
    """A measured number with three digits."""
    return f"{value:.3g}"


def _number(value: float) -> str:
    """A bound or a scale: `1.0`, `65,536`, `0.001`."""
    if value >= 1000 and value.is_integer():
        return f"{value:,.0f}"
    short = f"{value:.4g}"
    return f"{value:.1f}" if short.isdigit() else short


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    """A fraction as a percentage; `0 %` and `100 %` mean exactly 0 and 1."""
    if 0 < value < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= value < 1 else f"{100 * value:.0f} %"


def _count(value: float, noun: str) -> str:
    return f"{_whole(value)} {noun}{'' if value == 1 else 's'}"


def _are(value: float) -> str:
    return "is" if value == 1 else "are"


def _get(value: float) -> str:
    return "gets" if value == 1 else "get"


def _take(value: float) -> str:
    return "takes" if value == 1 else "take"

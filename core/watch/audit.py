"""The audit of one loop: findings that follow from its measured steps, as events. Pure: no torch."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping

from ..stream.audit_words import audit_sentence
from ..stream.events import LoopAudited
from ..stream.watch_events import CLIPPING, Finding
from .clipping_findings import ENOUGH, Found, clipping, lasting_share
from .comparison import GradientComparison
from .missing_gradients import Missing, MissingGradients

# The comparisons from which it follows how a loop clips.
_NEWEST = 50
# Clipping that has changed nothing in so many steps has not engaged so far: if each is known, and if few are measured.
_NEVER, _NEVER_MEASURED = 100, 1000
# Clipping that engages more often shows its bound soon.
_SELDOM = 0.5
# A gradient may well be 0 for a few steps: that of a layer before one that starts at 0.
_ZERO_STEPS = 20
# While it is not known how the loop clips, so many steps in a row are worth measuring.
_FIRST_STEPS = 10
_MOST_NAMES = 3
_BOUNDED: tuple[Finding, ...] = ("clips-norm", "clips-value")


class Audit:
    """Turns the comparisons of a lane's measured steps into events: for what is new, has changed much, or is gone."""

    def __init__(self, lane: str) -> None:
        self._lane = lane
        self._steps: deque[GradientComparison] = deque(maxlen=_NEWEST)
        self._clipping: Found | None = None
        self._late: Found | None = None
        self._since_late = 0
        self._idle = _IdleClipping()
        self._none = MissingGradients(measured=ENOUGH, steps=ENOUGH)
        self._zero = MissingGradients(measured=ENOUGH, steps=_ZERO_STEPS)
        self._present_findings: dict[Finding, Found] = {}

    @property
    def clips(self) -> bool:
        """Whether the loop is known to write to its gradients: then the norm before that is worth its cost.

        Clipping that has engaged at no measured step may have engaged between them.
        """
        changes = self._clipping is not None and self._clipping.finding not in ("not-clipped", "not-seen")
        return changes or any(step.kind == "unchanged" for step in self._steps)

    @property
    def undecided(self) -> bool:
        """Whether the next step is worth measuring: how the loop clips is not known, and it has only begun."""
        return self._clipping is None and len(self._steps) < _FIRST_STEPS

    def add(
        self, step: int, compared: GradientComparison, *, rule: bool = False, engaged: tuple[int, int] | None = None
    ) -> list[LoopAudited]:
        """The events of one more measured step; `step` counts from 0.

        `rule`: whether a rule of clipwatch clips after the loop. `engaged`: how many steps were clipped, by that rule
        or else by the loop, of how many that are known; None as long as only measured steps are.
        """
        self._steps.append(compared)
        self._clipping = self._lasting(clipping(self._steps))
        self._see_late(compared)
        holds: dict[Finding, Found] = {found.finding: found for found in self._found(step, compared, rule, engaged)}
        # Of those that exclude each other, the new one says that the other is gone.
        replaced = CLIPPING if holds.keys() & set(CLIPPING) else ()
        known = [found for finding, found in self._present_findings.items() if finding not in replaced]
        gone = [self._idle.end_of(found) for found in known if found.finding not in holds]
        new = [found for finding, found in holds.items() if _is_news(self._present_findings.get(finding), found)]
        self._present_findings = {
            finding: self._present_findings.get(finding, found) for finding, found in holds.items()
        }
        self._present_findings.update({found.finding: found for found in new})
        return [*(self._event(step, found, gone=True) for found in gone), *(self._event(step, found) for found in new)]

    def _event(self, step: int, found: Found, *, gone: bool = False) -> LoopAudited:
        figures = dict(found.figures)
        return LoopAudited(
            lane=self._lane, step=step, finding=found.finding, figures=figures, names=found.names, gone=gone
        )

    def _found(
        self, step: int, compared: GradientComparison, rule: bool, engaged: tuple[int, int] | None
    ) -> Iterator[Found]:
        """All that holds now, mistakes first."""
        if self._late:
            yield self._late
        if found := self._clipping_found(rule, engaged):
            yield found
        if never := self._idle.add(step, compared, engaged, rule=rule):
            yield never
        if missing := self._none.add(step, compared.none):
            frozen = {"frozen": float(compared.frozen)} if compared.frozen else {}
            yield _missing("no-gradient", missing, frozen)
        if missing := self._zero.add(step, compared.zero):
            yield _missing("zero-gradient", missing, {})

    def _lasting(self, found: Found | None) -> Found | None:
        """The finding about how the loop clips. A loop that clips seldom still clips."""
        known = self._clipping
        is_within = found is None or found.finding == "not-clipped" or "factor" in found.figures
        if known and known.finding in _BOUNDED and is_within:
            share = lasting_share(known, self._steps)
            return found if share is None else known._replace(figures={**known.figures, **share})
        return found

    def _clipping_found(self, rule: bool, engaged: tuple[int, int] | None) -> Found | None:
        """How the loop clips, if that is worth saying, with what is known of every step."""
        found = self._clipping
        if found is None:
            return None if rule else self._seldom(engaged)
        if found.finding == "not-clipped":
            # A change that comes too late says this, too.
            return None if rule or (self._late and "not-clipped" not in self._present_findings) else found
        if found.finding not in _BOUNDED:
            return found
        if rule:
            return Found("clipped-twice", {"bound": found.figures["bound"]})
        if engaged and engaged[1] >= _NEWEST:
            share = {"share": engaged[0] / engaged[1], "steps": float(engaged[1])}
            return found._replace(figures={"bound": found.figures["bound"], **share})
        return found

    def _seldom(self, engaged: tuple[int, int] | None) -> Found | None:
        """That clipping engages at some steps, of which too few were measured to show the bound."""
        if engaged is None or engaged[1] < _NEWEST or not 0 < engaged[0] < _SELDOM * engaged[1]:
            return None
        # Where elements were changed in other ways, a lower norm is not clipping.
        if any(step.kind == "changed" for step in self._steps):
            return None
        return Found("changes-gradient", {"engaged": float(engaged[0]), "steps": float(engaged[1])})

    def _see_late(self, compared: GradientComparison) -> None:
        """Keep that a gradient was changed too late until it has not been for a few measured steps."""
        self._since_late += 1
        if compared.late:
            before, after, part = compared.late
            is_clear = not part and not math.isclose(before, after, rel_tol=1e-3)
            self._late = Found("too-late", {"norm": before, "late_norm": after} if is_clear else {})
            self._since_late = 0
        elif self._since_late > ENOUGH:
            self._late = None


class _IdleClipping:
    """Finds clipping that has never changed a gradient: a rule's, or the loop's, which only writes to it."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._measured = 0
        self._has_engaged = self._rule_has_engaged = False

    def add(
        self, step: int, compared: GradientComparison, engaged: tuple[int, int] | None, *, rule: bool
    ) -> Found | None:
        """One more measured step; `engaged`: the steps that were clipped, of how many that are known."""
        self._first = step if self._first is None else self._first
        self._measured += compared.kind == "unchanged"
        self._has_engaged |= compared.kind not in ("unchanged", "empty")
        clipped, known = engaged or (0, 0)
        self._rule_has_engaged = rule and clipped > 0
        if rule:
            return Found("never-engaged", {"rule_steps": float(known)}) if known >= _NEVER and not clipped else None
        self._has_engaged |= clipped > 0
        steps = step + 1 - self._first
        if self._has_engaged or self._measured < ENOUGH:
            return None
        if known >= _NEVER:
            return Found("never-engaged", {"loop_steps": float(known)})
        if steps < _NEVER_MEASURED:
            return None
        return Found("never-engaged", {"steps": float(steps), "measured": float(self._measured)})

    def end_of(self, found: Found) -> Found:
        """A finding that holds no more. Where a rule was set or removed, clipping need not have engaged."""
        if found.finding != "never-engaged":
            return found
        has_engaged = self._rule_has_engaged if "rule_steps" in found.figures else self._has_engaged
        return found if has_engaged else found._replace(figures={"changed": 1.0})


def _missing(finding: Finding, missing: Missing, more: Mapping[str, float]) -> Found:
    figures = {"parameters": float(len(missing.names)), "steps": float(missing.steps)}
    return Found(finding, {**figures, **more}, missing.names[:_MOST_NAMES])


# How much a figure has to change before it is news, as a ratio. Others change with every step.
_NEWS = {
    "measured": 2.0,
    "steps": 2.0,
    "engaged": 2.0,
    "rule_steps": 2.0,
    "loop_steps": 2.0,
    "scale": 4.0,
    "bound": 1.001,
    "factor": 1.01,
    "parameters": 1.001,
}
_NEWS_SHARE = 0.2


def _is_news(previous: Found | None, found: Found) -> bool:
    """Whether a finding is new, or its figures have changed much."""
    if previous is None or previous.figures.keys() != found.figures.keys() or previous.names != found.names:
        return True
    if _sentence(previous) == _sentence(found):
        return False
    return any(_differs(name, previous.figures[name], value) for name, value in found.figures.items())


def _sentence(found: Found) -> str:
    return audit_sentence(found.finding, found.figures, found.names)[0]


def _differs(name: str, previous: float, value: float) -> bool:
    if name == "share":
        return abs(value - previous) >= _NEWS_SHARE
    ratio = _NEWS.get(name, math.inf)
    return max(value, previous) >= ratio * min(value, previous)

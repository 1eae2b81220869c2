"""Figures, counts, times and mathematical signs as short text; it imports nothing of the screen."""

from __future__ import annotations

from ...core.stream.measures import Measure

UNDEFINED = "\N{EN DASH}"
_ASCII = str.maketrans(
    {
        "‖": "|",
        "ĝ": "g'",
        "→": "->",
        "Δ": "d",
        "√": "sqrt ",
        "Σ": "sum ",
        "·": ".",
        "₁": "1",
        "₂": "2",
        "≠": "!=",
        "≥": ">=",
        "†": "x",
        "↑": "^",
        UNDEFINED: "-",
    }
)


def in_ascii(text: str) -> str:
    """The same text in ASCII."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def share(value: float | None) -> str:
    """A percentage without decimals, which says 0 or 100 only where it is exactly that."""
    if value is None:
        return UNDEFINED
    if 0 < value < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= value < 1 else f"{100 * value:.0f} %"


def decimal(value: float | None, digits: int = 2) -> str:
    """A number around 1, like a cosine."""
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def size(value: float | None, digits: int = 3) -> str:
    """A number of any size, to so many digits."""
    return UNDEFINED if value is None else f"{value:.{digits}g}"


def norms(measure: Measure, arrow: str) -> str:
    """The gradient's norm before and after the clip."""
    return f"{size(measure.norm)} {arrow} {size(measure.clipped_norm)}"


def number_of(count: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """A time in the two units that matter."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours / 24:,.0f} days"

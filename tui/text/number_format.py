"""Numbers, counts, times, durations and mathematical symbols as short text."""

from __future__ import annotations

from datetime import datetime

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
        "≤": "<=",
        "±": "+-",
        "†": "x",
        "↑": "^",
        UNDEFINED: "-",
    }
)


def symbols_in_ascii(text: str) -> str:
    """The text with mathematical symbols and separators spelled out; other characters stay."""
    return text.replace(" · ", "; ").translate(_ASCII)


def in_ascii(text: str) -> str:
    """The text in ASCII: mathematical symbols spelled out, anything else outside ASCII as `?`."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def share(value: float | None) -> str:
    """A fraction as a percentage without decimals; `0 %` and `100 %` mean exactly 0 and 1."""
    if value is None:
        return UNDEFINED
    if 0 < value < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= value < 1 else f"{100 * value:.0f} %"


def decimal(value: float | None, digits: int = 2) -> str:
    """A number of order 1, such as a cosine, with a fixed number of decimals."""
    return UNDEFINED if value is None else f"{value:.{digits}f}"


def size(value: float | None, digits: int = 3) -> str:
    """A number of any magnitude, with `digits` significant digits."""
    return UNDEFINED if value is None else f"{value:.{digits}g}"


def norms(measure: Measure, arrow: str) -> str:
    """The gradient norm before and after clipping."""
    return f"{size(measure.norm)} {arrow} {size(measure.clipped_norm)}"


def number_of(count: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def date_and_time(seconds: float) -> str:
    """A time in seconds since 1970 as local date and time, to the minute."""
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"


def duration(seconds: float) -> str:
    """A duration in its two largest units: `5 s`, `2 min 05 s`, `3 h 10 min`; from 48 h on in days."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours < 48 else f"{hours / 24:,.0f} days"

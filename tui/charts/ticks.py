"""Round numbers for axes, and numbers of fixed width."""

from __future__ import annotations

from math import ceil, floor, isfinite, isnan, log10

NUMBER_WIDTH = 6
# An axis begins at 0 if this leaves at most about this share of it empty.
NEAR_ZERO = 0.15
# Below this ratio of its ends, a logarithmic range has the ticks of a linear one.
NARROW = 4


def fixed(value: float | None) -> str:
    """A value in exactly 6 cells: as many decimals as fit, `1.2e-5` if it is tiny, `--` for None."""
    if value is None:
        return "--".rjust(NUMBER_WIDTH)
    if not isfinite(value):
        return ("NaN" if isnan(value) else f"{value}").rjust(NUMBER_WIDTH)
    if 1e-99 < abs(value) < 5e-4:
        return _scientific(value)
    texts = (f"{value:.{decimals}f}" for decimals in (4, 3, 2, 1, 0))
    return next((text.rjust(NUMBER_WIDTH) for text in texts if len(text) <= NUMBER_WIDTH), _scientific(value))


def number(value: float | None, decimals: int | None = None, *, percent: bool = False) -> str:
    """A value with `decimals` digits, two fewer as a percentage; where it does not fit, or for None, as in `fixed`."""
    if value is not None and isfinite(value) and (decimals is not None or percent):
        text = f"{100 * value:.{_percent_digits(decimals)}f}" if percent else f"{value:.{decimals}f}"
        if len(text) <= NUMBER_WIDTH:
            return f"{text} %" if percent else text
    return fixed(value).strip()


def number_width(decimals: int | None, *, percent: bool) -> int:
    """The cells that `number` takes, apart from rare longer ones."""
    if percent:
        return len(f"{99:.{_percent_digits(decimals)}f} %")
    return NUMBER_WIDTH if decimals is None else min(len(f"{0:.{decimals}f}"), NUMBER_WIDTH)


def _percent_digits(decimals: int | None) -> int:
    return 0 if decimals is None else max(decimals - 2, 0)


def general(value: float, digits: int = 4) -> str:
    """A value with `digits` significant digits, without the zeros of `1e-05` and `1e+10`."""
    mantissa, exponent, power = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}{exponent}{int(power)}" if exponent else mantissa


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    text = f"{mantissa}e{int(exponent)}"
    return (text if len(text) <= NUMBER_WIDTH else f"{value:.0e}".replace("e+0", "e").replace("e+", "e")).rjust(
        NUMBER_WIDTH
    )


def compact(step: int) -> str:
    """A short step count: 400, 12k, 1.25M."""
    for size, letter in ((1_000_000, "M"), (10_000, "k")):
        if abs(step) >= size:
            return f"{step / min(size, 1000 if letter == 'k' else size):.10g}{letter}"
    return str(step)


def spacing(span: float, most: int) -> float:
    """The smallest 1, 2 or 5 times a power of ten that divides `span` into at most `most` pieces."""
    rough = span / max(most, 1)
    power = 10.0 ** floor(log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))


def step_ticks(first: int, last: int, most: int) -> list[int]:
    """Round steps within [first, last], about `most` at most and two at least, which a scale needs."""
    gaps = (max(round(spacing(max(last - first, 1), pieces)), 1) for pieces in range(most, most + 8))
    candidates = (list(range(-(-first // gap) * gap, last + 1, gap)) for gap in gaps)
    return next((steps for steps in candidates if len(steps) > 1), [])


def linear_ticks(low: float, high: float, most: int, *, percent: bool = False) -> list[tuple[float, str]]:
    """Round values within [low, high] and their labels, all with the same number of decimals."""
    unit = 0.01 if percent else 1.0
    low, high = low / unit, high / unit
    gap = spacing(high - low, most)
    count = range(ceil(low / gap - 1e-6), floor(high / gap + 1e-6) + 1)
    decimals = max(0, -floor(log10(gap) + 1e-9))
    largest = max(abs(low), abs(high))
    return [(n * gap * unit, _label(n * gap, decimals, largest) + " %" * percent) for n in count]


def _label(value: float, decimals: int, largest: float) -> str:
    return general(value, 3) if largest >= 1e5 or decimals > 5 else f"{value:.{decimals}f}"


def log_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Round values within [low, high], low > 0: powers of ten, and 2 and 5 times these (or 3 times) if they fit."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [f * 10.0**p for p in powers for f in factors if low * 0.999 <= f * 10.0**p <= high * 1.001]
        if len(found) <= most:
            break
    else:
        found = found[:: ceil(len(found) / max(most, 1))]
    return [(value, general(value)) for value in found]


def linear_range(low: float, high: float) -> tuple[float, float]:
    """A range around the data with round ends, so that it rarely changes while data arrives.

    A lower end near 0 becomes 0.
    """
    if high - low < 1e-6 * max(abs(low), abs(high), 1e-30):
        pad = 0.05 * max(abs(low), abs(high)) or 0.5
        low, high = low - pad, high + pad
    gap = spacing(high - low, 10)
    start = floor(low / gap + 1e-6) * gap
    if 0 < start <= NEAR_ZERO * high:
        start = 0.0
    return start, ceil(high / gap - 1e-6) * gap


def is_narrow(low: float, high: float) -> bool:
    """Whether a range is so small that powers of ten and their halves would leave most of it empty."""
    return high < NARROW * low


def log_range(low: float, high: float) -> tuple[float, float]:
    """A range around positive data whose ends are 1, 2 or 5 times a power of ten, or closer to data within a decade."""
    if is_narrow(low, high):
        start, end = linear_range(low, high)
        if start > 0:
            return start, end
    rounds = (1, 2, 5, 10)
    down, up = 10.0 ** floor(log10(low)), 10.0 ** floor(log10(high))
    start = max(f * down for f in rounds if f * down <= low * (1 + 1e-9))
    end = min(f * up for f in rounds if f * up >= high * (1 - 1e-9))
    return (start, end) if start < end else (start / 2, end * 2)

"""Mathematical signs where a terminal shows no more than ASCII."""

from __future__ import annotations

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
        "\N{EN DASH}": "-",
    }
)


def in_ascii(text: str) -> str:
    """The same text in ASCII."""
    return text.translate(_ASCII).encode("ascii", "replace").decode()

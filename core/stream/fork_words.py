"""How is written what a lane was forked from: in short in tables, in full where there are no headings."""

from __future__ import annotations


def origin_text(parent: str | None, step: int | None, run: str = "") -> str:
    """`A@300`, or with the name of a run `A@300 of RUN`; empty without a parent."""
    return f"{parent}@{step}{run and f' of {run}'}" if parent else ""


def fork_words(parent: str | None, step: int | None) -> str:
    """`fork of A at 300`; empty without a parent."""
    return f"fork of {parent} at {step:,}" if parent else ""

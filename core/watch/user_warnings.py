"""Warnings to the user whose loop is watched, which never end the loop."""

from __future__ import annotations

import sys
import warnings


def warn(text: str) -> None:
    """Show a warning. Where the user has made warnings errors, it is printed instead."""
    try:
        warnings.warn(text, stacklevel=3)
    except UserWarning:
        print(f"warning: {text}", file=sys.stderr)

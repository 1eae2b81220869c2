"""Warnings to the user whose loop is watched, which never end the loop."""

from __future__ import annotations

import contextlib
import sys
import warnings


def warn(text: str) -> None:
    """Show a warning. Where the user has made warnings errors, it is printed instead. It may be lost, never raise."""
    try:
        warnings.warn(text, stacklevel=3)
    except Exception:
        # Standard error may be closed, too.
        with contextlib.suppress(Exception):
            print(f"warning: {text}", file=sys.stderr)

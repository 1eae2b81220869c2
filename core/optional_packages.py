"""How to install the optional packages that some features need."""

from __future__ import annotations


def installation(extra: str) -> str:
    """The sentence that tells how to install an extra of this package."""
    return f'run pip install ".[{extra}]" in the folder that clipwatch was installed from'

"""What clipwatch can do only with further packages, and how they are installed."""

from __future__ import annotations


def installation(extra: str) -> str:
    """The command that adds an extra to an installation as the README describes it."""
    return f'run pip install ".[{extra}]" in the folder that clipwatch was installed from'

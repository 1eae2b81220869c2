"""The command `clipwatch`, which can be interrupted while it is still importing the rest."""

from __future__ import annotations


def main() -> int:
    """Run the program; the exit code."""
    try:
        from .cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return 130

"""Entry point of the command `clipwatch`. It handles Ctrl+C while the other modules are still being imported."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Run the program and return its exit code."""
    if sys.platform == "win32":
        print("clipwatch: Windows is not supported; run clipwatch on Linux, on macOS or in WSL", file=sys.stderr)
        return 2
    try:
        from .cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return 130
    finally:
        # Another Ctrl+C while the interpreter shuts down ends it at once, without the traceback of an exit handler.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

"""The program `clipwatch`: reads the command line, and imports only what it asks for."""

from __future__ import annotations

import os
import sys
import traceback

from ..core.errors import ClipwatchError
from .options import parse, run_config


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code is 0 done, 1 failed, 2 bad input, 130 or 143 interrupted, 141 nobody reads."""
    given = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        config = run_config(given)
        if given.print_config:
            from ..core.config import to_toml

            print(to_toml(config), end="", flush=True)
            return 0
        from .headless import run_headless

        return run_headless(config, json=given.json, control=given.control, quiet=given.quiet, debug=given.debug)
    except ClipwatchError as error:
        if given.debug:
            traceback.print_exc()
        print(f"clipwatch: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Nobody reads any more. What is still buffered must not raise again when the interpreter closes the file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


if __name__ == "__main__":
    raise SystemExit(main())

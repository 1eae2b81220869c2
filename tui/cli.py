"""The program `clipwatch`: reads the command line, and imports only what it asks for."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import traceback

from ..core.config import RunConfig
from ..core.errors import ClipwatchError
from .options import key_settings, parse, run_config
from .paces import GENTLE


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code is 0 done, 1 failed, 2 bad input, 130 or 143 interrupted, 141 nobody reads."""
    given = None
    try:
        try:
            given = parse(sys.argv[1:] if arguments is None else arguments)
        finally:
            # What --help prints, while it can still be told that nobody reads it.
            sys.stdout.flush()
        screen = not (given.no_ui or given.json or given.control)
        config = run_config(given, pace=GENTLE) if screen else run_config(given)
        if given.print_config:
            from ..core.config import to_toml

            print(to_toml(config), end="", flush=True)
            return 0
        if given.web is not None:
            from .web import serve

            return serve(given.web, sys.argv[1:] if arguments is None else arguments)
        if screen:
            return _show(given, config)
        from .headless import run_headless

        return run_headless(config, json=given.json, control=given.control, quiet=given.quiet, debug=given.debug)
    except ClipwatchError as error:
        if given and given.debug:
            traceback.print_exc()
        print(f"clipwatch: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Nobody reads any more. What is still buffered must not raise again when the interpreter closes the file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _show(given: argparse.Namespace, config: RunConfig) -> int:
    keys = key_settings(given)
    from .engine_process import local_engine
    from .keys import keymap
    from .live import run_live

    command = shlex.split(given.engine_command) if given.engine_command else local_engine(config)
    return run_live(command, keymap(keys), quit_when_done=given.quit_when_done)


if __name__ == "__main__":
    raise SystemExit(main())

"""The program that the web server starts for each page: the screen that its only argument describes."""

from __future__ import annotations

import sys

from .edge import exit_code
from .engine_request import decoded_screen
from .live import show

if __name__ == "__main__":
    request = decoded_screen(sys.argv[1])
    raise SystemExit(exit_code(lambda: show(request), debug=request.debug))

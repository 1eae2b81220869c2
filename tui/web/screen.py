"""The program that the web server starts for each page: shows the screen of the request in its only argument."""

from __future__ import annotations

import sys

from ..engine_child.request import decoded_screen
from ..exit_codes import exit_code
from ..live.run import show

if __name__ == "__main__":
    request = decoded_screen(sys.argv[1])
    raise SystemExit(exit_code(lambda: show(request), debug=request.debug))

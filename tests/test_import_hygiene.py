"""What is loaded with which module. Contracts cannot see it: for them an import inside a function is one, too."""

from __future__ import annotations

import subprocess
import sys

# In this order, with what must not be loaded once each has been imported.
TORCH = ("torch", "torchvision")
SCREEN = ("textual", "rich", "plotext")
STEPS = [
    *(
        (f"clipwatch.{module}", TORCH + SCREEN)
        for module in (
            "core.events",
            "core.commands",
            "core.codec",
            "core.config",
            "core.rules",
            "core.thresholds",
            "core.layout",
            "core.state",
            "core.statistics",
            "core.datasets",
            "core.recorded",
            "core.recording",
            "core.export",
            "core.engine",
            "core.session",
            "core.sweeps.sweep",
            "tui.sweeping.command",
            "tui.cli",
            "tui.options",
            "tui.headless",
            "tui.live",
        )
    ),
    ("clipwatch.tui.runs_table", (*TORCH, "textual")),
    ("clipwatch.tui.console", (*TORCH, "textual")),
    ("clipwatch.tui.app", TORCH),
    ("clipwatch.core.preparation", ()),
]
CODE = f"""
import importlib, sys
for module, unwanted in {STEPS!r}:
    importlib.import_module(module)
    for package in unwanted:
        assert package not in sys.modules, f"{{module}} loads {{package}}"
assert {{"torch", "textual"}} <= sys.modules.keys()
"""


def test_torch_and_the_screen_are_loaded_where_they_are_used_and_no_earlier() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

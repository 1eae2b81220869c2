"""Who may import what, seen in fresh interpreters."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = [
    "clipwatch.core.events",
    "clipwatch.core.commands",
    "clipwatch.core.codec",
    "clipwatch.core.config",
    "clipwatch.core.rules",
    "clipwatch.core.thresholds",
    "clipwatch.core.layout",
    "clipwatch.core.state",
    "clipwatch.core.statistics",
    "clipwatch.core.datasets",
    "clipwatch.core.engine",
    "clipwatch.core.session",
    "clipwatch.core.sweeps.sweep",
    "clipwatch.tui.sweeping.command",
    "clipwatch.tui.cli",
    "clipwatch.tui.options",
    "clipwatch.tui.headless",
]
TORCH = {"torch", "torchvision"}
SCREEN = {"textual", "rich", "plotext"}


def imported_by(module: str) -> set[str]:
    """Top-level packages in a fresh interpreter after one import."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_starts_without_torch_and_without_a_screen(module: str) -> None:
    assert not imported_by(module) & (TORCH | SCREEN)


@pytest.mark.parametrize("module", ["clipwatch.tui.app", "clipwatch.tui.console", "clipwatch.tui.live"])
def test_the_screen_starts_without_torch(module: str) -> None:
    assert not imported_by(module) & TORCH


def test_what_starts_the_engine_does_not_load_the_screen_first() -> None:
    assert not imported_by("clipwatch.tui.live") & SCREEN


def test_the_console_needs_no_textual() -> None:
    assert "textual" not in imported_by("clipwatch.tui.console")


def test_training_needs_no_screen() -> None:
    packages = imported_by("clipwatch.core.preparation")
    assert "torch" in packages
    assert not packages & SCREEN

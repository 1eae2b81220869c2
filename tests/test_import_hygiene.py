"""What import contracts cannot see: that what is imported late is imported late, and what a user's folder may hold."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import clipwatch

TORCH = {"torch", "torchvision"}
SCREEN = {"textual", "rich", "plotext"}
FRAMEWORKS = {"lightning", "pytorch_lightning", "transformers", "accelerate"}


def loaded_by(code: str, folder: Path | None = None) -> set[str]:
    """Top-level packages in a fresh interpreter after this code."""
    code = f"import sys; {code}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        (
            ("core.engine.engine", "core.engine.session", "core.sweeps.runner", "core.sweeps.ray_backend"),
            TORCH | SCREEN,
        ),
        (("tui.start", "tui.cli.main", "tui.cli.sweep_command", "tui.headless.run", "tui.live.run"), TORCH | SCREEN),
        (("tui.headless.console",), TORCH | {"textual", "plotext"}),
        (("tui.live.app", "tui.sweep.app", "tui.web.screen"), TORCH),
    ],
)
def test_starts_without(modules: tuple[str, ...], unwanted: set[str]) -> None:
    assert not loaded_by(f"import {', '.join(f'clipwatch.{module}' for module in modules)}") & unwanted


def test_training_loads_torch_and_no_screen() -> None:
    loaded = loaded_by("import clipwatch.core.training.preparation; from clipwatch import watch")
    assert "torch" in loaded
    assert not loaded & (SCREEN | FRAMEWORKS)


def test_the_public_names_load_neither_torch_nor_a_screen() -> None:
    loaded = loaded_by(
        "from clipwatch import Engine, Metric, __version__, commands, events, open_run; "
        "assert events.Evaluated and commands.SetClip and Engine and Metric and __version__ and open_run"
    )
    assert "clipwatch" in loaded
    assert not loaded & (TORCH | SCREEN | FRAMEWORKS)


@pytest.mark.parametrize(("module", "extra"), [("lightning", "lightning"), ("hf", "transformers")])
def test_a_framework_that_is_not_installed_is_one_line(
    module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(sys.modules):
        if name == f"clipwatch.{module}" or (name.startswith("clipwatch.core.watch.") and name.endswith("_callback")):
            monkeypatch.delitem(sys.modules, name)
    for name in FRAMEWORKS | {"lightning.pytorch", "transformers.trainer_callback", "transformers.training_args"}:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        ModuleNotFoundError, match=rf'^clipwatch.{module} needs {extra}: run pip install ".\[{extra}\]"'
    ):
        import_module(f"clipwatch.{module}")


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Missing'"):
        clipwatch.Missing  # noqa: B018


def test_a_folder_called_clipwatch_does_not_hide_the_package(tmp_path: Path) -> None:
    (tmp_path / "clipwatch" / "core").mkdir(parents=True)
    assert "msgspec" in loaded_by("import clipwatch.core.stream.events", tmp_path)

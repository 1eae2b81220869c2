"""clipwatch shows what gradient clipping does to a network in training.

The names below are the public ones. Each is imported when it is first used: `import clipwatch` loads neither torch nor
the screen. `events` and `commands` are modules, as in `events.Evaluated` and `commands.SetClip`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.engine.engine import Engine
    from .core.stream import commands, events
    from .core.stream.config import LaneConfig, RunConfig

    __version__: str

__all__ = ["Engine", "LaneConfig", "RunConfig", "__version__", "commands", "events"]

_MODULES = {
    "Engine": "core.engine.engine",
    "LaneConfig": "core.stream.config",
    "RunConfig": "core.stream.config",
    "commands": "core.stream",
    "events": "core.stream",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("clipwatch")
    if name not in _MODULES:
        raise AttributeError(f"module 'clipwatch' has no attribute {name!r}")
    home = f"clipwatch.{_MODULES[name]}"
    return import_module(f"{home}.{name}") if name.islower() else getattr(import_module(home), name)

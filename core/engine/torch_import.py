"""Imports torch in the background, while the data of a run are read."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

from ..errors import Cancelled

# Seconds before the import begins. Most mistakes in the settings show earlier, and an import cannot be interrupted: the
# program would end a second after the message.
_GRACE = 0.03
_MODULE = "clipwatch.core.training.preparation"


class TorchImport:
    """Imports torch, and what a run needs of it, in a thread; calls `on_end` in that thread once it is done.

    The thread is not a daemon: an interpreter that ends while torch is being imported can crash.
    """

    def __init__(self, on_end: Callable[[], object]) -> None:
        self._cancelled = False
        # Set when it is known whether torch is needed.
        self._decided = threading.Event()
        executor = ThreadPoolExecutor(1, "clipwatch-torch")
        self._module = executor.submit(self._import)
        self._module.add_done_callback(lambda _: on_end())
        executor.shutdown(wait=False)

    def _import(self) -> ModuleType:
        if _MODULE not in sys.modules:
            self._decided.wait(_GRACE)
        if self._cancelled:
            raise Cancelled
        from ..training import preparation

        return preparation

    def cancel(self) -> None:
        """Do not import torch if that has not begun."""
        self._cancelled = True
        self._decided.set()

    def wait(self) -> None:
        """Wait for the import. Raises the error of an import that failed."""
        self._decided.set()
        self._module.result()

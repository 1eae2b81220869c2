"""What every screen of the program has in common: driver, signals, two themes, the way out and its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual.binding import Binding

from .driver import DrivenApp, TerminalDriver
from .engine_process import Source
from .look import DARK, LIGHT, Look, look
from .signals import ending_signals


class TerminalApp(DrivenApp):
    """Shows an engine; `failure` says why if it never started."""

    CSS = """
    .-ascii ModalScreen > *, .-ascii Input { border: ascii $primary; }
    .-ascii VerticalScroll { scrollbar-size: 0 0; }
    """
    # Where something lies over the main screen, too.
    BINDINGS: ClassVar = [Binding("ctrl+z", "suspend_process", show=False)]

    def __init__(self, engine: Source, *, ascii: bool, quit_when_done: bool) -> None:
        # One that is asked for in the environment, as for the browser, is Textual's to find.
        super().__init__(driver_class=None if "TEXTUAL_DRIVER" in os.environ else TerminalDriver)
        self.engine = engine
        self.failure: str | None = None
        self._ascii, self._quit_when_done = ascii, quit_when_done
        self._loop_begun: asyncio.AbstractEventLoop | None = None
        self._caught: list[int] = []
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def on_load(self) -> None:
        """From now on a signal can be passed on."""
        self._loop_begun = asyncio.get_running_loop()

    def on_mount(self) -> None:
        """Fit the terminal."""
        self.set_class(self._ascii, "-ascii")
        # Whatever had the terminal while the program was stopped has left its own there.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def show(self) -> list[bytes]:
        """Show the screen until it is left and its engine has ended; the engine's last lines."""
        with ending_signals(self._leave_soon, self._give_back) as self._caught:
            try:
                self.run()
            finally:
                with _saying("ending the run ..."):
                    rest = self.stop_engine()
        return rest

    def stop_engine(self) -> list[bytes]:
        """End the engine; its last lines."""
        return self.engine.stop()

    def leave(self, *, failed: bool) -> None:
        """Close the screen; the exit code says whether what it showed has failed."""
        self.exit(int(failed), return_code=int(failed))

    @property
    def exit_code(self) -> int:
        """The program's; 1 if the screen ended by itself."""
        if self._caught:
            return 128 + self._caught[0]
        return 1 if self.return_code is None else self.return_code

    def action_suspend_process(self) -> None:
        """Stop until the shell's `fg`, and all that was started together, as Ctrl+Z does elsewhere."""
        if self.terminal:
            os.kill(0, signal.SIGTSTP)

    @property
    def _terminal_is_behind(self) -> bool:
        return self.terminal is not None and self.terminal.behind

    def _make_look(self) -> Look:
        dark, coloured = self.current_theme.dark, not self.no_color
        return look(self.theme_variables, dark=dark, coloured=coloured, ascii=self._ascii)

    def _leave_soon(self, number: int) -> None:
        code = 128 + number
        if self._loop_begun is None:
            raise SystemExit(code)
        # It is closed when the screen has been left already, and only the engine has not ended.
        with contextlib.suppress(RuntimeError):
            self._loop_begun.call_soon_threadsafe(partial(self.exit, code, return_code=code))

    def _give_back(self) -> None:
        """Restore the terminal, whatever the program is doing."""
        if self.terminal:
            self.terminal.suspend_application_mode()


@contextlib.contextmanager
def _saying(words: str) -> Iterator[None]:
    """Words on the terminal while something lasts, wiped away after it."""
    _write(f"\rclipwatch: {words}")
    try:
        yield
    finally:
        _write("\r\x1b[K")


def _write(text: str) -> None:
    # After SIGHUP there is no terminal any more.
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()

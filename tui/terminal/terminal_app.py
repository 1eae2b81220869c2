"""What the screens of a run and of a sweep have in common: driver, signals, two themes, the way out, its exit code."""

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

from ..engine_child.process import EngineConnection
from ..signals import ending_signals
from ..style.theme import DARK, LIGHT, Theme, theme_of
from .driver import DrivenApp, TerminalDriver


class TerminalApp(DrivenApp):
    """Shows an engine; `failure` says why if it never started."""

    CSS = """
    .-ascii ModalScreen > *, .-ascii Input { border: ascii $primary; }
    .-ascii VerticalScroll { scrollbar-size: 0 0; }
    """
    # Where something lies over the main screen, too.
    BINDINGS: ClassVar = [Binding("ctrl+z", "suspend_process", show=False)]

    def __init__(self, engine: EngineConnection, *, ascii: bool, quit_when_done: bool) -> None:
        # One that is asked for in the environment, as for the browser, is Textual's to find.
        super().__init__(driver_class=None if "TEXTUAL_DRIVER" in os.environ else TerminalDriver)
        self.engine = engine
        self.failure: str | None = None
        self.ascii, self.quit_when_done = ascii, quit_when_done
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
        self.set_class(self.ascii, "-ascii")
        # Whatever had the terminal while the program was stopped has left its own there.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def show(self) -> list[bytes]:
        """Show the screen until it is left and its engine has ended; the engine's last lines."""
        with ending_signals(self._leave_soon, self._restore_terminal) as self._caught:
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

    def fail(self, why: str, code: int = 1) -> None:
        """Close the screen with the engine's exit code, 1 if a signal ended it; the terminal's own screen says why."""
        code = code if code > 0 else 1
        self.failure = self.failure or why
        self.exit(code, return_code=code)

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
    def terminal_is_behind(self) -> bool:
        """Whether the terminal has yet to take what was drawn before."""
        return self.terminal is not None and self.terminal.behind

    def make_theme(self) -> Theme:
        """The styles of the theme in use, in the characters that the terminal can show."""
        dark, coloured = self.current_theme.dark, not self.no_color
        return theme_of(self.theme_variables, dark=dark, coloured=coloured, ascii=self.ascii)

    def _leave_soon(self, number: int) -> None:
        code = 128 + number
        if self._loop_begun is None:
            raise SystemExit(code)
        # It is closed when the screen has been left already, and only the engine has not ended.
        with contextlib.suppress(RuntimeError):
            self._loop_begun.call_soon_threadsafe(partial(self.exit, code, return_code=code))

    def _restore_terminal(self) -> None:
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

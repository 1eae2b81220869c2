"""Base classes of the apps: driver, signals, themes, exit and exit code; and the engine of those that show one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import Binding

from ..engine_child.process import EngineConnection
from ..signals import ending_signals
from ..style.contrast import with_legible_text
from ..style.theme import DARK, LIGHT, THEMES, Theme, theme_of
from .driver import DrivenApp, TerminalDriver

Last = TypeVar("Last")


class ScreenApp(DrivenApp):
    """An app in this terminal; `failure` is the message to print after it was closed by an error."""

    CSS = """
    .-ascii ModalScreen > *, .-ascii ModalScreen Input { border: ascii $primary; }
    .-ascii VerticalScroll, .-ascii OptionList { scrollbar-size: 0 0; }
    .-ascii CommandPalette #--input { border: ascii $primary; }
    .-ascii SearchIcon, .-ascii CommandPalette LoadingIndicator { display: none; }
    .-ascii CommandList { border: none; }
    """
    # Declared on the app, so that it also works while a modal screen is open.
    BINDINGS: ClassVar = [Binding("ctrl+z", "suspend_process", show=False)]

    def __init__(self, *, ascii: bool) -> None:
        # Textual loads the driver that TEXTUAL_DRIVER names, for example in a browser.
        super().__init__(driver_class=None if "TEXTUAL_DRIVER" in os.environ else TerminalDriver)
        self.failure: str | None = None
        self.ascii = ascii
        self._signal_loop: asyncio.AbstractEventLoop | None = None
        self._signals: list[int] = []
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name

    def on_load(self) -> None:
        """Store the event loop that signal handlers call."""
        self._signal_loop = asyncio.get_running_loop()

    def on_mount(self) -> None:
        """Set up the class for ASCII terminals and the redraw after a suspension."""
        self.set_class(self.ascii, "-ascii")
        # Another program may have drawn on the terminal while this one was stopped.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def pop_screen(self) -> AwaitComplete:
        """Close the screen on top; the first one stays.

        A screen with an input is dismissed twice if enter is pressed twice before the first press has arrived.
        """
        return super().pop_screen() if len(self.screen_stack) > 1 else AwaitComplete.nothing()

    def run_until_closed(self, end: Callable[[], Last]) -> Last:
        """Run the app, then call `end`, whatever happened; return what it returns."""
        with ending_signals(self._leave_soon, self._restore_terminal) as self._signals:
            try:
                self.run()
            finally:
                last = end()
        return last

    def leave(self, *, failed: bool) -> None:
        """Exit the app with code 1 if the run failed, otherwise 0."""
        self.exit(int(failed), return_code=int(failed))

    def fail(self, why: str, code: int = 1) -> None:
        """Exit the app with the engine's exit code, or 1 if a signal ended it. `why` is printed afterwards."""
        code = code if code > 0 else 1
        self.failure = self.failure or why
        self.exit(code, return_code=code)

    @property
    def exit_code(self) -> int:
        """The exit code of the program; 1 if the app ended with an exception."""
        if self._signals:
            return 128 + self._signals[0]
        return 1 if self.return_code is None else self.return_code

    def action_suspend_process(self) -> None:
        """Suspend the process group until the shell's `fg`, as Ctrl+Z does in other programs."""
        if self.terminal:
            os.kill(0, signal.SIGTSTP)

    @property
    def terminal_is_behind(self) -> bool:
        """Whether the terminal has not yet taken everything that was drawn."""
        return self.terminal is not None and self.terminal.behind

    def say(self, message: str, *, alert: bool = False) -> None:
        """Show a message in the status line."""
        raise NotImplementedError

    def action_picture(self) -> None:
        """Save the screen as SVG in the current folder, or as a download of the browser."""
        # Microseconds keep the names of pictures taken in quick succession apart.
        name = f"clipwatch-{datetime.now():%Y%m%d-%H%M%S-%f}.svg"
        picture = self.export_screenshot(title="clipwatch")
        if self.is_web:
            self.deliver_text(StringIO(picture), save_filename=name, encoding="utf-8", mime_type="image/svg+xml")
            self.say(f"The browser downloads {name}")
            return
        try:
            Path(name).write_text(picture, encoding="utf-8")
        except OSError as error:
            self.say(f"Picture not saved: {name}: {error.strerror}", alert=True)
            return
        # The name comes first, because a narrow terminal cuts the end.
        self.say(f"Saved {name} in {Path.cwd()}")

    def action_next_theme(self) -> None:
        """Switch to the next theme."""
        index = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.use_theme(THEMES[(index + 1) % len(THEMES)])

    def use_theme(self, name: str) -> None:
        """Switch to a theme."""
        self.theme = name
        self.say(f"theme {name}")

    def get_css_variables(self) -> dict[str, str]:
        """The theme's colours, those of text legible."""
        self.theme_variables = with_legible_text(super().get_css_variables())
        return self.theme_variables

    def make_theme(self) -> Theme:
        """The styles of the current theme, limited to the characters that the terminal can show."""
        dark, coloured = self.current_theme.dark, not self.no_color
        # A picture made without a terminal has all colours, wherever the program runs.
        few_colours = self.console.color_system == "standard" and not self.is_headless
        return theme_of(self.theme_variables, dark=dark, coloured=coloured, ascii=self.ascii, few_colours=few_colours)

    def _leave_soon(self, number: int) -> None:
        code = 128 + number
        if self._signal_loop is None:
            raise SystemExit(code)
        # The loop is closed if the app has exited already and only the engine is still running.
        with contextlib.suppress(RuntimeError):
            self._signal_loop.call_soon_threadsafe(partial(self.exit, code, return_code=code))

    def _restore_terminal(self) -> None:
        """Restore the terminal immediately, from the signal handler."""
        if self.terminal:
            self.terminal.suspend_application_mode()
        # The temporary message, if it is shown.
        _write("\r\x1b[K")


class TerminalApp(ScreenApp):
    """An app that shows an engine. With `quit_when_done` it exits once the engine is done."""

    def __init__(self, engine: EngineConnection, *, ascii: bool, quit_when_done: bool) -> None:
        super().__init__(ascii=ascii)
        self.engine, self.quit_when_done = engine, quit_when_done

    @property
    def ending(self) -> str:
        """What is said while the engine ends."""
        return "ending the run ..."

    def show(self) -> list[bytes]:
        """Run the app, then end the engine; return the engine's last lines."""
        return self.run_until_closed(self._end)

    def stop_engine(self) -> list[bytes]:
        """End the engine; return its last lines."""
        return self.engine.stop()

    def _end(self) -> list[bytes]:
        with _temporary_message(self.ending):
            return self.stop_engine()


@contextlib.contextmanager
def _temporary_message(text: str) -> Iterator[None]:
    """Show a message on the terminal during the block and erase it afterwards."""
    _write(f"\rclipwatch: {text}")
    try:
        yield
    finally:
        _write("\r\x1b[K")


def _write(text: str) -> None:
    # After SIGHUP the terminal is closed.
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()

"""A Textual driver that copes with a terminal that is slow, stopped, suspended or closed."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from functools import partial
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Resize
from textual.geometry import Size

from .capabilities import discard_terminal_output, terminal_size, wait_for_foreground
from .reader import TerminalReader
from .writer import TerminalWriter

HANGUP_CODE = 128 + signal.SIGHUP
# Seconds between checks of the reading thread whether to end, and whether an ESC byte was the Escape key.
_POLL_SECONDS = 0.1
_STOPPING, _CONTINUING = signal.SIGTSTP, signal.SIGCONT


class DrivenApp(App[int]):
    """An app with a reference to its `TerminalDriver`, None in a browser or a test."""

    terminal: TerminalDriver | None = None

    async def on_event(self, event: Event) -> None:
        """Handle an event; a resize gets the size of the terminal, not that of COLUMNS or standard output."""
        if self.terminal and isinstance(event, Resize):
            size = Size(*terminal_size())
            event = Resize(size, size, pixel_size=event.pixel_size)
        await super().on_event(event)


class TerminalDriver(LinuxDriver):
    """Writes on a thread, and exits the app when the terminal is closed, with the exit code of SIGHUP."""

    def __init__(self, app: DrivenApp, *, size: tuple[int, int] | None = None, **options: Any) -> None:
        app.terminal = self
        self._call_soon = asyncio.get_running_loop().call_soon_threadsafe
        self._hang_up = partial(app.exit, HANGUP_CODE, return_code=HANGUP_CODE)
        self._original_handlers = {number: signal.getsignal(number) for number in (_STOPPING, _CONTINUING)}
        super().__init__(app, size=size or terminal_size(), **options)
        # Textual would restart all its threads on every SIGCONT.
        self._restore_handlers()
        self._writer: TerminalWriter | None = None
        self._has_terminal = False

    def start_application_mode(self) -> None:
        """Wait for the foreground, then start writing to the terminal and handling its signals."""
        assert sys.__stderr__
        wait_for_foreground(self.fileno)
        self._writer = TerminalWriter(sys.__stderr__)
        self._writer.start()
        super().start_application_mode()
        self._has_terminal = True
        for number, action in ((_STOPPING, self._suspend), (_CONTINUING, self._reset_terminal)):
            if self._original_handlers[number] is not signal.SIG_IGN:
                signal.signal(number, lambda *_, action=action: self._call_soon(action))

    @property
    def behind(self) -> bool:
        """Whether the terminal has not yet taken everything that was written."""
        return self._writer is not None and self._writer.behind

    def write(self, data: str) -> None:
        """Queue text for the writer."""
        if self._writer:
            self._writer.write(data)

    def stop_application_mode(self) -> None:
        """Restore the terminal; frames that it has not taken yet are dropped."""
        if self._writer and self._has_terminal:
            self._has_terminal = False
            self._restore_handlers()
            self._writer.drop()
            super().stop_application_mode()

    def close(self) -> None:
        """Wait for the writer to finish, but not longer than its timeout."""
        super().close()
        writer, self._writer = self._writer, None
        if writer and not writer.finish():
            discard_terminal_output()

    def run_input_thread(self) -> None:
        """Dispatch the input until the terminal is closed."""
        reader = TerminalReader()
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], _POLL_SECONDS)[0]:
                if not (data := self._read()):
                    self._call_soon(self._hang_up)
                    return
                for message in reader.feed(data):
                    self.process_message(message)
            for message in reader.tick():
                self.process_message(message)

    def _read(self) -> bytes:
        """The next input, empty if the terminal is closed."""
        try:
            return os.read(self.fileno, 1 << 12)
        except OSError:
            return b""

    def _suspend(self) -> None:
        """Handle SIGTSTP: restore the terminal, stop the process, and continue after SIGCONT."""
        if self._has_terminal:
            self.suspend_application_mode()
            os.kill(os.getpid(), _STOPPING)
            self._resume()

    def _reset_terminal(self) -> None:
        """Handle SIGCONT: set the terminal up again, because another program may have used it after SIGSTOP."""
        if self._has_terminal:
            self.suspend_application_mode()
            self._resume()

    def _resume(self) -> None:
        self.resume_application_mode()
        self.send_message(self.SignalResume())

    def _restore_handlers(self) -> None:
        for number, handler in self._original_handlers.items():
            signal.signal(number, handler)

"""Textual's driver for a terminal that may read slowly, not at all, stand still for a while, or vanish."""

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

from .reader import TerminalReader
from .terminal import let_go_of_terminal, terminal_size, wait_for_foreground
from .writer import TerminalWriter

GONE = 128 + signal.SIGHUP
# Seconds after which the thread that reads looks whether it is to end, and whether an ESC was the key.
_BREATH = 0.1
_STOPPING, _CONTINUING = signal.SIGTSTP, signal.SIGCONT


class DrivenApp(App[int]):
    """An app that knows its `TerminalDriver`; it has none in a browser or a test."""

    terminal: TerminalDriver | None = None

    async def on_event(self, event: Event) -> None:
        """Handle an event; the size is always that of the terminal, whatever COLUMNS and standard output say."""
        if self.terminal and isinstance(event, Resize):
            size = Size(*terminal_size())
            event = Resize(size, size, pixel_size=event.pixel_size)
        await super().on_event(event)


class TerminalDriver(LinuxDriver):
    """Leaves the app, as SIGHUP does, when the terminal is gone."""

    def __init__(self, app: DrivenApp, *, size: tuple[int, int] | None = None, **options: Any) -> None:
        app.terminal = self
        self._call_soon = asyncio.get_running_loop().call_soon_threadsafe
        self._hang_up = partial(app.exit, GONE, return_code=GONE)
        self._found = {number: signal.getsignal(number) for number in (_STOPPING, _CONTINUING)}
        super().__init__(app, size=size or terminal_size(), **options)
        # Textual would start all its threads anew at every SIGCONT.
        self._leave_signals()
        self._writer: TerminalWriter | None = None
        self._has_terminal = False

    def start_application_mode(self) -> None:
        """Begin to write to the terminal."""
        assert sys.__stderr__
        wait_for_foreground(self.fileno)
        self._writer = TerminalWriter(sys.__stderr__)
        self._writer.start()
        super().start_application_mode()
        self._has_terminal = True
        for number, answer in ((_STOPPING, self._suspend), (_CONTINUING, self._renew)):
            if self._found[number] is not signal.SIG_IGN:
                signal.signal(number, lambda *_, answer=answer: self._call_soon(answer))

    @property
    def behind(self) -> bool:
        """Whether the terminal has not taken all that was written."""
        return self._writer is not None and self._writer.behind

    def write(self, data: str) -> None:
        """Have something written soon."""
        if self._writer:
            self._writer.write(data)

    def stop_application_mode(self) -> None:
        """Give the terminal back; frames that it has not taken yet are worth nothing any more."""
        if self._writer and self._has_terminal:
            self._has_terminal = False
            self._leave_signals()
            self._writer.drop()
            super().stop_application_mode()

    def close(self) -> None:
        """Let the writer finish."""
        super().close()
        writer, self._writer = self._writer, None
        if writer and not writer.finish():
            let_go_of_terminal()

    def run_input_thread(self) -> None:
        """Dispatch what is typed, until the terminal is gone."""
        reader = TerminalReader()
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], _BREATH)[0]:
                if not (typed := self._read()):
                    self._call_soon(self._hang_up)
                    return
                for message in reader.feed(typed):
                    self.process_message(message)
            for message in reader.tick():
                self.process_message(message)

    def _read(self) -> bytes:
        """What was typed; nothing comes only from a terminal that is gone."""
        try:
            return os.read(self.fileno, 1 << 12)
        except OSError:
            return b""

    def _suspend(self) -> None:
        """Stop as other programs do, and go on when told to."""
        if self._has_terminal:
            self.suspend_application_mode()
            os.kill(os.getpid(), _STOPPING)
            self._go_on()

    def _renew(self) -> None:
        """Set the terminal up again: after SIGSTOP another program may have used it."""
        if self._has_terminal:
            self.suspend_application_mode()
            self._go_on()

    def _go_on(self) -> None:
        self.resume_application_mode()
        self.send_message(self.SignalResume())

    def _leave_signals(self) -> None:
        for number, handler in self._found.items():
            signal.signal(number, handler)

"""Textual's driver for a terminal that may read slowly, not at all, or vanish: none of that holds the screen up."""

from __future__ import annotations

import codecs
import os
import signal

from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver

from .terminal import let_go_of_terminal
from .terminal_writer import TerminalWriter


class TerminalDriver(LinuxDriver):
    """Sends the program SIGHUP when the terminal is gone, as the system does if it was the controlling one."""

    def start_application_mode(self) -> None:
        """Begin to write to the terminal."""
        assert self._file
        self._writer = TerminalWriter(self._file)
        self._writer.start()
        super().start_application_mode()

    @property
    def behind(self) -> bool:
        """Whether the terminal has not taken all that was written."""
        return self._writer.behind

    def write(self, data: str) -> None:
        """Have something written soon."""
        self._writer.write(data)

    def stop_application_mode(self) -> None:
        """Give the terminal back; frames that it has not taken yet are worth nothing any more."""
        self._writer.drop()
        super().stop_application_mode()

    def close(self) -> None:
        """Let the writer finish."""
        super().close()
        if not self._writer.finish():
            let_go_of_terminal()

    def run_input_thread(self) -> None:
        """Dispatch what is typed, until the terminal is gone."""
        linux_driver.getincrementaldecoder = lambda _: _Typed  # pyright: ignore[reportPrivateImportUsage]
        try:
            super().run_input_thread()
        except (EOFError, OSError):
            os.kill(os.getpid(), signal.SIGHUP)


class _Typed:
    """Bytes typed or pasted that are not UTF-8 become question marks, where Textual would die of them."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def decode(self, typed: bytes, final: bool = False) -> str:
        """What was typed; EOFError for nothing, which only a terminal that is gone gives."""
        if not typed:
            raise EOFError
        return self._decoder.decode(typed, final)

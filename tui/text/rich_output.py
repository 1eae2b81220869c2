"""A Rich console that prints text from outside literally: no markup and no escape sequences."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.text import Text

from ...core.text import in_encoding


class Output(Console):
    """Prints strings without markup, emoji codes or control characters.

    On a broken pipe it raises BrokenPipeError, so that the program chooses the exit code; Rich would exit itself.
    """

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Escape control characters; Rich passes every string through here, table cells included."""
        return super().render_str(in_encoding(text, self.encoding), **options)

    @property
    def is_terminal(self) -> bool:
        """Ignore an empty FORCE_COLOR, which Rich takes as \"not a terminal\"."""
        return super().is_terminal or (os.environ.get("FORCE_COLOR") == "" and self.file.isatty())

    def on_broken_pipe(self) -> None:
        """Leave the decision to the caller."""
        raise BrokenPipeError

"""Rich's console as this program uses it: text is text, whatever is in it."""

from __future__ import annotations

import os
from typing import Any

from rich.console import Console
from rich.text import Text

from ...core.text import in_encoding


class Output(Console):
    """Shows every string as it is: no markup, no emoji codes, nothing that moves the cursor.

    When nobody reads any more, it is the program that decides what to do; Rich would end it.
    """

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every string comes by here, those in tables too."""
        return super().render_str(in_encoding(text, self.encoding), **options)

    @property
    def is_terminal(self) -> bool:
        """FORCE_COLOR counts only when not empty; Rich takes an empty one for a no."""
        return super().is_terminal or (os.environ.get("FORCE_COLOR") == "" and self.file.isatty())

    def on_broken_pipe(self) -> None:
        """Tell the caller."""
        raise BrokenPipeError

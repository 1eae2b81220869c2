"""What every key does, and what is seen."""

from __future__ import annotations

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ...core.text import printable
from ..view.keys import KEYS, keycaps
from .page import Page

ABOUT = (
    "Lanes train the same network from the same weights on the same batches; they differ in their clip rule alone. "
    "The faint curve is what was measured on 100 images at a time (at 90 % that is 3 points of noise either way), the "
    "bold one is smoothed. A dotted line marks a change of rule: from there on the lanes are no clean comparison any "
    "more, and in the shaded steps Adam still remembers the gradients from before. One seed decides nothing: try n."
)


class HelpScreen(Page):
    """The keys by group, then what is seen."""

    def __init__(self, keys: dict[str, str]) -> None:
        super().__init__()
        self._keys = keys

    def _content(self) -> Group:
        table = Table(box=box.SIMPLE, show_header=False, padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        group = ""
        for key in KEYS:
            if key.group != group:
                table.add_row(Text(key.group, style="bold underline"), "")
                group = key.group
            table.add_row(Text(printable(f"  {keycaps(self._keys.get(key.id, key.keys))}")), Text(key.tooltip))
        return Group(Text(ABOUT), table)

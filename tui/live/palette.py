"""The command palette (ctrl+p): every key, presets of clip rules and the themes, grouped, with their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from ...core.safe_text import printable
from ...core.stream.rules import MEANINGS
from ..style.theme import THEMES
from ..view.key import CLIP
from ..view.keys import keys_for

if TYPE_CHECKING:
    from .app import ClipwatchApp

# The cells for a title with keys; no such title is longer.
_TITLE_CELLS = 36


class PaletteEntry(NamedTuple):
    """A line of the palette: its group and name, its keys (empty: none), what it does, and the function to call."""

    group: str
    name: str
    keys: str
    help: str
    act: Callable[[], object]

    @property
    def title(self) -> str:
        """The words that a search looks at."""
        return f"{self.group}: {self.name}"

    def shown(self, title: Content) -> Content:
        """The line as shown, with the keys in a column behind the title."""
        return Content.assemble(title.pad_right(max(0, _TITLE_CELLS - len(title))), "  ", (self.keys, "bold"))


def entries(app: ClipwatchApp, keymap: Mapping[str, str]) -> Iterator[PaletteEntry]:
    """What can be done now: without the keys that do not apply to this kind of run."""
    state = app.view.state
    is_replay = state.replay is not None
    for key in keys_for(state):
        if key.only != ("live" if is_replay else "replay"):
            keys = printable(key.caps(keymap), ascii=app.ascii)
            yield PaletteEntry(key.group, key.label, keys, key.tooltip, partial(app.run_action, key.action, app.main))
    can_clip = not is_replay and not (state.attached and state.attached.unsteerable)
    if can_clip and app.main.selected:
        for rule, meaning in MEANINGS.items():
            name = f"clip the selected lane: {rule}"
            yield PaletteEntry(
                CLIP, name, "", meaning[0].upper() + meaning[1:], partial(app.steering.lanes.use_rule, rule)
            )
    for theme in THEMES:
        yield PaletteEntry("Theme", theme, "", f"Use the colours of {theme}", partial(app.use_theme, theme))


class PaletteEntries(Provider):
    """Offers the entries to Textual's palette, in their order as long as nothing is typed."""

    @property
    def _entries(self) -> Iterator[PaletteEntry]:
        return cast("ClipwatchApp", self.app).palette_entries()

    async def discover(self) -> Hits:
        for entry in self._entries:
            yield DiscoveryHit(entry.shown(Content(entry.title)), entry.act, entry.title, entry.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for entry in self._entries:
            if (score := matcher.match(entry.title)) > 0:
                shown = entry.shown(matcher.highlight(entry.title))
                yield Hit(score, shown, entry.act, entry.title, entry.help)

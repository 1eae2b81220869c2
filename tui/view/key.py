"""A key: what it is called, where it works, and how it is shown."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS

RUN, LANE, CLIP, RATE, PACE, CHART = "Run", "Lane", "Clipping", "Learning rate and forks", "Speed", "Charts"
REPLAY, LOG, PROGRAM, GRID = "Replay", "Log", "Program", "All charts"
# What a run is doing, as far as keys are concerned.
# `steered` and `observed`: another process trains the run, and takes commands from here or not.
Phase = Literal["waiting", "training", "ended", "replay", "steered", "observed"]


@dataclass(frozen=True)
class Key:
    """A key: its id (the name under [keys] in a config file), label and tooltip.

    `only` restricts it to live runs, to replays or to loops that can be steered from here (None: all); it does nothing
    in the phases `off_in`. `footer` is its rank on the key line: 1 always shown, higher ranks if there is room, 0
    never. `footer_at_end`: another rank once all lanes have ended.
    """

    id: str
    keys: str
    label: str
    tooltip: str
    group: str
    footer: int = 0
    only: Literal["live", "replay", "steered"] | None = None
    off_in: tuple[Phase, ...] = ()
    footer_at_end: int | None = None

    def works_in(self, phase: Phase) -> bool:
        """Whether the key does something in this phase."""
        kinds = {"replay": ("replay",), "steered": ("live", "steered")}.get(phase, ("live",))
        return phase not in self.off_in and (self.only is None or self.only in kinds)

    def rank(self, phase: Phase) -> int:
        """The key's rank on the key line."""
        return self.footer if phase != "ended" or self.footer_at_end is None else self.footer_at_end

    def caps(self, keymap: Mapping[str, str]) -> str:
        """The key as printed on a keyboard, with the user's key map."""
        return keycaps(keymap.get(self.id, self.keys))

    @property
    def action(self) -> str:
        """The Textual action: the screen's actions change the view, the app's actions steer or end the run."""
        if self.group in (LANE, LOG, GRID) or self.id == "all_charts":
            return self.id
        if self.group == CHART:
            return f"change_charts('{self.id}')"
        # These two may end the screen.
        is_app = self.group == PROGRAM or self.id in ("sweep", "fork")
        return f"app.{self.id}" if is_app else f"app.steer('{self.id}')"

    @property
    def binding(self) -> Binding:
        """The Textual binding."""
        return Binding(self.keys, self.action, self.label, id=self.id, tooltip=self.tooltip, show=self.footer > 0)


def key_name(key: str) -> str:
    """Textual's name of a key: `?` becomes `question_mark`."""
    if len(key) != 1 or key.isalnum():
        return key
    name = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def keycaps(keys: str) -> str:
    """A binding's keys as printed on a keyboard."""
    return " ".join(_keycap(key) for key in keys.split(","))


def _keycap(key: str) -> str:
    return f"^{key.removeprefix('ctrl+')}" if key.startswith("ctrl+") else _KEYCAPS.get(key, key)


_KEYCAPS = {key_name(character): character for character in string.punctuation}

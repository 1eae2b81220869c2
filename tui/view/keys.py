"""Every key of the screen, in one list: bindings, footer, help panel and command palette are made from it."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS

from ...core.errors import BadInput

RUN, LANE, CLIP, PACE, CHART, LOG, PROGRAM = "Run", "Lane", "Clipping", "Speed", "Charts", "Logs", "Program"


@dataclass(frozen=True)
class Key:
    """A key: its id (the name in a config file's [keys]), what it is called and what it does.

    `only` names the kind of run that it makes sense for, None both. `footer` is its rank on the bottom line: 1 is
    always there, higher ranks where there is room, 0 never.
    """

    id: str
    keys: str
    label: str
    tooltip: str
    group: str
    footer: int = 0
    only: Literal["live", "replay"] | None = None

    @property
    def action(self) -> str:
        """What Textual runs: an action of the screen changes only the view, one of the app steers or ends the run."""
        if self.group == CHART:
            return f"change_charts('{self.id}')"
        if self.group in (LANE, LOG):
            return self.id
        return f"app.{self.id}" if self.group == PROGRAM else f"app.steer('{self.id}')"

    @property
    def binding(self) -> Binding:
        """The key as Textual binds it."""
        return Binding(self.keys, self.action, self.label, id=self.id, tooltip=self.tooltip, show=self.footer > 0)


KEYS: tuple[Key, ...] = (
    Key("pause", "space", "pause", "Pause all lanes, or let them go on", RUN, footer=1),
    Key("step", "s", "step", "Take one step and wait", RUN, footer=4),
    Key("step_ten", "S", "10 steps", "Take ten steps and wait", RUN),
    Key("restart", "r", "restart", "Start this run afresh", RUN, footer=2, only="live"),
    Key(
        "reseed",
        "n",
        "new seed",
        "Start afresh with the next seed: other weights, other batches",
        RUN,
        footer=2,
        only="live",
    ),
    Key("extend", "e", "+1000", "Train 1000 iterations more", RUN, only="live"),
    Key("head", "h", "head", "Put the last ReLU on or off, from the next restart on", RUN, only="live"),
    Key("focus_lane", "tab", "lane", "Choose the lane that the clipping keys act on", LANE, footer=2),
    Key(
        "diagnostics",
        "d",
        "diagnostics",
        "What the clip does, layer by layer, or back; ? there says what the figures mean",
        LANE,
        footer=2,
    ),
    Key("clip", "c", "clip on/off", "Clip the chosen lane, or stop clipping it", CLIP, footer=1, only="live"),
    Key(
        "tighten",
        "left_square_bracket",
        "tighter",
        "Next smaller bound (1-2-5 steps) for the chosen lane",
        CLIP,
        footer=2,
        only="live",
    ),
    Key(
        "loosen",
        "right_square_bracket",
        "looser",
        "Next larger bound (1-2-5 steps) for the chosen lane",
        CLIP,
        footer=2,
        only="live",
    ),
    Key("rule", "b", "rule", "Type a clip rule for the chosen lane", CLIP, footer=3, only="live"),
    Key(
        "reset_moments",
        "R",
        "reset moments",
        "Let the chosen lane's optimizer begin anew, its memory of past gradients gone",
        CLIP,
        only="live",
    ),
    Key("slower", "minus", "slower", "Fewer steps a second", PACE, footer=4),
    Key("faster", "plus,equals_sign", "faster", "More steps a second", PACE, footer=4),
    Key("full_speed", "0", "full speed", "As many steps a second as the machine gives", PACE, footer=3),
    Key("log_scale", "l", "log", "Loss on a logarithmic scale, or a linear one", CHART),
    Key("smoothing", "m", "smooth", "How strongly the curves are smoothed", CHART),
    Key("zoom_in", "z,up", "zoom in", "Look at half as many steps", CHART),
    Key("zoom_out", "Z,down", "zoom out", "Look at twice as many steps", CHART),
    Key("pan_left", "left", "earlier", "Move the window to earlier steps", CHART),
    Key("pan_right", "right", "later", "Move the window to later steps", CHART),
    Key("follow", "f", "follow", "See the whole run again, and follow its end", CHART),
    Key("cursor_left", "comma", "cursor left", "Read off both charts one evaluation earlier", CHART),
    Key("cursor_right", "full_stop", "cursor right", "Read off both charts one evaluation later", CHART),
    Key("cursor_off", "escape", "cursor off", "Show the latest values again; close the diagnostics", CHART),
    Key(
        "scrub_back",
        "less_than_sign,shift+left",
        "scrub back",
        "Show the recording a twentieth earlier",
        RUN,
        footer=1,
        only="replay",
    ),
    Key(
        "scrub_on",
        "greater_than_sign,shift+right",
        "scrub on",
        "Show the recording a twentieth later",
        RUN,
        footer=1,
        only="replay",
    ),
    Key("log_up", "pageup", "back", "Scroll the chosen lane's log back", LOG),
    Key("log_down", "pagedown", "on", "Scroll the chosen lane's log on", LOG),
    Key("log_end", "end", "end", "See the newest lines of the chosen lane's log, and follow them", LOG),
    Key("picture", "p", "picture", "Save a picture of the screen (SVG) in the current folder", PROGRAM),
    Key("next_theme", "t", "theme", "Next colour theme", PROGRAM),
    Key("show_help", "question_mark,f1", "help", "What every key does, and what is seen", PROGRAM, footer=1),
    Key("suspend_process", "ctrl+z", "suspend", "Give the terminal back to the shell, until its fg", PROGRAM),
    Key("quit", "q,ctrl+c,ctrl+q", "quit", "End the run and leave", PROGRAM, footer=1),
)


def keymap(wanted: Mapping[str, str]) -> dict[str, str]:
    """A config file's [keys], checked: known ids, and no key for two things."""
    ids = {key.id: key.keys for key in KEYS}
    for id_ in wanted:
        if id_ not in ids:
            raise BadInput(f"[keys] {id_}: no such key; there are {', '.join(ids)}")
    written = {id_: _written(id_, keys) for id_, keys in wanted.items()}
    owners: dict[str, str] = {}
    for id_, keys in {**ids, **written}.items():
        for key in keys.split(","):
            if other := owners.setdefault(key, id_) != id_ and owners[key]:
                raise BadInput(f"[keys] {id_} = {key!r}: that key is for {other} already")
    return written


def _written(id_: str, keys: str) -> str:
    """Keys as Textual names them: `?` is question_mark."""
    names = [key.strip() for key in keys.split(",")]
    if not all(names):
        raise BadInput(f"[keys] {id_} = {keys!r}: name a key, like x or ctrl+x")
    return ",".join(_named(name) for name in names)


def _named(key: str) -> str:
    if len(key) != 1 or key.isalnum():
        return key
    name = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return KEY_NAME_REPLACEMENTS.get(name, name)


def keycaps(keys: str) -> str:
    """A binding's keys as they are printed on a keyboard."""
    return " ".join(_keycap(key) for key in keys.split(","))


def _keycap(key: str) -> str:
    return f"^{key.removeprefix('ctrl+')}" if key.startswith("ctrl+") else _KEYCAPS.get(key, key)


_KEYCAPS = {_named(character): character for character in string.punctuation}

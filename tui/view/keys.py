"""The list of all keys, from which bindings, key line, help and command palette are made."""

from __future__ import annotations

from dataclasses import replace

from ...core.stream.attach_events import Attached
from ...core.stream.builtin_experiments import BUILT_IN
from ...core.stream.state import RunState
from ...core.stream.sweep_config import SEEDS
from .key import CHART, CLIP, LANE, LOG, PACE, PROGRAM, RATE, REPLAY, RUN, Key, Phase

SWITCH = "head"
_BEFORE: tuple[Phase, ...] = ("waiting",)
# Where no command can be sent, and where another process trains the run.
_UNHEARD: tuple[Phase, ...] = ("waiting", "observed")
_IDLE: tuple[Phase, ...] = (*_UNHEARD, "ended")
_ELSEWHERE: tuple[Phase, ...] = ("steered", "observed")
_NOT_HERE: tuple[Phase, ...] = ("waiting", *_ELSEWHERE)


KEYS: tuple[Key, ...] = (
    Key("pause", "space", "pause", "Pause or resume all lanes", RUN, footer=1, off_in=_IDLE, footer_at_end=5),
    Key("step", "s", "step", "Take one training step, then pause", RUN, footer=6, off_in=_IDLE),
    Key("step_ten", "X", "10 steps", "Take ten training steps, then pause", RUN, off_in=_IDLE),
    Key(
        "restart",
        "r",
        "restart",
        "Restart this run from step 0 with the same seed",
        RUN,
        footer=4,
        only="live",
        off_in=_ELSEWHERE,
    ),
    Key("stop", "Q", "stop", "Ask the loop to stop, after a question", RUN, footer=4, only="steered"),
    Key(
        "reseed",
        "n",
        "new seed",
        "Restart with the next seed (new weights and batches)",
        RUN,
        footer=4,
        only="live",
        off_in=_NOT_HERE,
        footer_at_end=3,
    ),
    Key(
        "extend",
        "e",
        "1000 more",
        "Train for 1000 more steps",
        RUN,
        footer=7,
        only="live",
        off_in=_NOT_HERE,
        footer_at_end=1,
    ),
    Key(
        "sweep",
        "S",
        f"{SEEDS} seeds",
        f"Train this configuration with {SEEDS} seeds, after a question",
        RUN,
        footer=6,
        off_in=_NOT_HERE,
        footer_at_end=2,
    ),
    # Keymaps of users name this key by the setting of LeNet that it was made for.
    Key(
        SWITCH,
        "h",
        "next network",
        "Change the network from the next restart: LeNet's ReLU on the logits, temporal order's initial weights",
        RUN,
        only="live",
        off_in=_NOT_HERE,
    ),
    Key(
        "focus_lane",
        "tab",
        "lane",
        "Select the next lane, which the clipping keys act on",
        LANE,
        footer=3,
        off_in=_BEFORE,
        footer_at_end=4,
    ),
    Key(
        "diagnostics",
        "d",
        "diagnostics",
        "Show or hide what clipping does, layer by layer",
        LANE,
        footer=2,
        off_in=_BEFORE,
    ),
    Key(
        "clip",
        "c",
        "clip on/off",
        "Turn clipping of the selected lane on or off",
        CLIP,
        footer=1,
        only="live",
        off_in=_UNHEARD,
        footer_at_end=3,
    ),
    Key(
        "tighten",
        "left_square_bracket",
        "tighter",
        "Lower the selected lane's clip bound (1-2-5 series)",
        CLIP,
        footer=5,
        only="live",
        off_in=_UNHEARD,
    ),
    Key(
        "loosen",
        "right_square_bracket",
        "looser",
        "Raise the selected lane's clip bound (1-2-5 series)",
        CLIP,
        footer=5,
        only="live",
        off_in=_UNHEARD,
    ),
    Key("rule", "b", "rule", "Type a clip rule for the selected lane", CLIP, footer=4, only="live", off_in=_UNHEARD),
    Key(
        "reset_moments",
        "R",
        "reset optimizer",
        "Reset the selected lane's optimizer state (moments)",
        CLIP,
        only="live",
        off_in=_UNHEARD,
    ),
    Key(
        "lower_rate",
        "left_curly_bracket",
        "lr down",
        "Lower the selected lane's learning rate (1-2-5 series)",
        RATE,
        footer=5,
        only="live",
        off_in=_UNHEARD,
    ),
    Key(
        "raise_rate",
        "right_curly_bracket",
        "lr up",
        "Raise the selected lane's learning rate (1-2-5 series)",
        RATE,
        footer=5,
        only="live",
        off_in=_UNHEARD,
    ),
    Key(
        "fork",
        "F",
        "fork",
        "Fork the selected lane: a new lane goes on from its state (in a replay, in a new run)",
        RATE,
        footer=4,
        off_in=(*_NOT_HERE, "ended"),
    ),
    Key("slower", "minus", "slower", "Lower the speed limit (steps per second)", PACE, footer=6, off_in=("observed",)),
    Key(
        "faster",
        "plus,equals_sign",
        "faster",
        "Raise the speed limit (steps per second)",
        PACE,
        footer=6,
        off_in=("observed",),
    ),
    Key("full_speed", "0", "full speed", "Remove the speed limit", PACE, footer=5, off_in=("observed",)),
    Key(
        "left_metric",
        "v",
        "metric",
        "Show the next metric in the left chart",
        CHART,
        footer=3,
        off_in=_BEFORE,
        footer_at_end=2,
    ),
    Key("right_metric", "V", "right metric", "Show the next metric in the right chart", CHART, off_in=_BEFORE),
    Key(
        "all_charts",
        "G",
        "all charts",
        "Show a chart of everything that the run records",
        CHART,
        footer=5,
        off_in=_BEFORE,
    ),
    Key("log_scale", "l", "log scale", "Toggle logarithmic scales (not for shares and cosines)", CHART),
    Key("smoothing", "m", "smoothing", "Change the smoothing: light, medium, strong, off", CHART),
    Key("zoom_in", "z,up", "zoom in", "Show half as many steps", CHART),
    Key("zoom_out", "Z,down", "zoom out", "Show twice as many steps", CHART),
    Key("pan_left", "left", "earlier", "Move the charts to earlier steps", CHART),
    Key("pan_right", "right", "later", "Move the charts to later steps", CHART),
    Key("follow", "f", "follow", "Show the whole run and follow the newest step", CHART),
    Key("cursor_left", "comma", "cursor left", "Show the values one evaluation earlier", CHART),
    Key("cursor_right", "full_stop", "cursor right", "Show the values one evaluation later", CHART),
    Key("cursor_off", "escape", "cursor off", "Show the newest values, or close the diagnostics", CHART),
    Key(
        "scrub_back",
        "less_than_sign,shift+left",
        "back 5 %",
        "Go back in the recording by 5 % of its steps",
        REPLAY,
        footer=1,
        only="replay",
    ),
    Key(
        "scrub_on",
        "greater_than_sign,shift+right",
        "forward 5 %",
        "Go forward in the recording by 5 % of its steps",
        REPLAY,
        footer=1,
        only="replay",
    ),
    Key("show_logs", "L", "logs", "Hide or show the logs, which gives their lines to the charts", LOG),
    Key("log_up", "pageup", "log up", "Scroll up the lane's log, or the diagnostics", LOG),
    Key("log_down", "pagedown", "log down", "Scroll down the lane's log, or the diagnostics", LOG),
    Key("log_end", "end", "log end", "Follow the newest lines of the lane's log", LOG),
    Key(
        "copy",
        "y",
        "copy",
        "Copy the selection or the log line under the pointer; otherwise the lane's result",
        PROGRAM,
    ),
    Key("copy_command", "Y", "copy command", "Copy the command that repeats this run", PROGRAM),
    Key("picture", "p", "picture", "Save the screen as an SVG file in the current folder", PROGRAM),
    Key("next_theme", "t", "theme", "Switch to the next colour theme", PROGRAM),
    Key("show_help", "question_mark,f1", "help", "Show all keys, and how to read the screen", PROGRAM, footer=1),
    Key("command_palette", "ctrl+p", "palette", "Search all keys, rules and themes by name", PROGRAM),
    Key("suspend_process", "ctrl+z", "suspend", "Suspend to the shell; `fg` resumes", PROGRAM),
    Key("quit", "q,ctrl+c,ctrl+q", "quit", "End the run and quit", PROGRAM, footer=1),
)
BY_ID = {key.id: key for key in KEYS}


# The keys of runs that clipwatch trains: a recording of a watched loop has none of them.
_TRAINING = (
    *("restart", "reseed", "extend", "sweep"),
    *("clip", "tighten", "loosen", "rule", "reset_moments"),
    *("lower_rate", "raise_rate", "fork"),
)
NO_FORK = "A watched loop cannot be forked: its own program trains it, and only that could start it again."
_DETACH = replace(
    BY_ID["quit"], label="detach", tooltip="Close this screen. The run goes on; clipwatch attach shows it again"
)


def keys_for(state: RunState) -> tuple[Key, ...]:
    """The keys of a run's screen: without those that do nothing in this kind of run or for its experiment."""
    built_in = BUILT_IN.get(state.experiment.name)
    keys = [key for key in KEYS if key.id != SWITCH or (built_in and built_in.switch)]
    if state.attached is None:
        return tuple(key for key in keys if key.only != "steered" and not (state.watched and key.id in _TRAINING))
    keys = [_DETACH if key.id == "quit" else key for key in keys if key.id != "focus_lane" or len(state.lanes) > 1]
    return tuple(key for key in keys if key.works_in(elsewhere(state.attached)))


def elsewhere(attached: Attached) -> Phase:
    """The phase of a run that another process trains."""
    return "observed" if attached.unsteerable else "steered"


def refusal(id_: str, state: RunState) -> str | None:
    """Why a key does nothing in a run that another process trains; None if it acts, or says itself why it does not."""
    key = BY_ID[id_]
    if state.attached is None or key.only == "replay" or key.works_in(elsewhere(state.attached)):
        return None
    if key.works_in("steered") and (why := state.attached.unsteerable):
        return f"{why[0].upper()}{why[1:]}."
    return f"{key.label}: only the screen that trains a run can do this."

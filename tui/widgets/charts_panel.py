"""The charts of the main screen: which metrics they show, and their window, cursor, scale and smoothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ..charts.chart import MIN_SIZE
from ..style.theme import Theme
from ..terminal.once import call_once
from ..view.chart_specs import SMOOTHING, ChartSettings, with_log_toggled
from ..view.charted import Charted
from ..view.metrics import Metric
from ..view.pointer import Drag, Gesture, Pick, Point, ShowAll, Wheel, Zoom, evaluation_near
from ..view.step_window import WHOLE_RUN, Window, between
from .chart_grid import ChartGrid

LEFT, RIGHT = 0, 1
# From this many rows of the terminal on, there are four charts unless the user asked for others.
ROWS_FOR_FOUR = 50
# Seconds between two redraws of the charts by the mouse, which can send hundreds of events per second. At full speed
# the lanes need the processor.
MOUSE_INTERVAL, MOUSE_INTERVAL_AT_FULL_SPEED = 0.05, 0.16


class ChartsPanel(ChartGrid):
    """Two or more charts, and the keys that change them."""

    # What is added to the message about a metric.
    HINT = " · G: all"

    def __init__(
        self, charted: Charted, theme: Theme, metrics: Sequence[str] = (), *, id: str, classes: str = ""
    ) -> None:
        """`metrics`: those that the user asked for; if there are none, two or four, depending on the size."""
        super().__init__(charted, theme, id=id, classes=classes)
        # Whether clipwatch decides what the charts show, because the user has asked for nothing else.
        self._is_default, self._count = not metrics, len(metrics) or 2
        self._names = list(metrics)
        self._mouse_drawing = False
        # Key id -> change of a setting, which returns the message for the status line.
        self.keys: dict[str, Callable[[], str]] = {
            "left_metric": partial(self._step_metric, LEFT),
            "right_metric": partial(self._step_metric, RIGHT),
            "log_scale": self._toggle_log,
            "smoothing": self._smooth,
            "zoom_in": partial(self._zoom, 0.5),
            "zoom_out": partial(self._zoom, 2),
            "pan_left": partial(self._pan, -0.25),
            "pan_right": partial(self._pan, 0.25),
            "follow": partial(self._show_window, WHOLE_RUN),
            "cursor_left": partial(self._move_cursor, -1),
            "cursor_right": partial(self._move_cursor, 1),
            "cursor_off": self._remove_cursor,
        }
        self._show_default()

    @property
    def cursor(self) -> int | None:
        """The step whose values all charts show; None: the newest."""
        return self.settings.shown_step

    @property
    def window(self) -> Window:
        """The window of steps."""
        return self.settings.window

    def begin_run(self) -> None:
        """Reset window and cursor for a new run."""
        self.settings = replace(self.settings, window=WHOLE_RUN, cursor=None, pointed=None)
        self._show_default()

    # Which metrics

    def on_resize(self) -> None:
        """Show the charts that fit."""
        self._show()
        super().on_resize()

    def _show(self) -> None:
        """Show as many of the metrics as fit, the first ones."""
        metrics = [self.charted.metric(name) for name in self._names]
        columns = min(2, len(metrics), max(1, self.size.width // MIN_SIZE[0]))
        rows = max(1, self.size.height // (MIN_SIZE[1] + 1))
        fitting = metrics[: columns * rows] if self.size.height else metrics
        if fitting != self.shown:
            self.show_metrics(fitting, min(2, len(fitting)))

    def fit(self, rows: int) -> None:
        """Show four charts on a tall terminal, unless the user asked for certain ones."""
        if self._is_default:
            self._count = 4 if rows >= ROWS_FOR_FOUR else 2
            self._show_default()

    def _show_default(self) -> None:
        """Show the most interesting metrics, unless the user asked for certain ones."""
        if self._is_default:
            self._names = [one.name for one in self.charted.by_interest()[: self._count]]
        self._show()

    def draw_soon(self, theme: Theme) -> None:
        """Schedule all charts."""
        if self.charted.gains_series:
            self._show_default()
        super().draw_soon(theme)

    def show_left(self, shown: Metric) -> str:
        """Show a metric in the left chart; return the message for the status line."""
        return self._show_metric(LEFT, shown)

    def _step_metric(self, place: int) -> str:
        """Show the next metric that no other chart shows."""
        place = min(place, len(self._names) - 1)
        others = {name for number, name in enumerate(self._names) if number != place}
        rest = [one for one in self.charted.by_interest() if one.name not in others]
        at = next((number + 1 for number, one in enumerate(rest) if one.name == self._names[place]), 0)
        return self._show_metric(place, rest[at % len(rest)])

    def _show_metric(self, place: int, shown: Metric) -> str:
        self._is_default, self._names[place] = False, shown.name
        self._show()
        key = "v" if place == LEFT else "V"
        return f"{self.charted.heading(shown)}. {key}: next{self.HINT}"

    # Settings

    def _toggle_log(self) -> str:
        """Toggle logarithmic scales."""
        self.settings = with_log_toggled(self.settings, self.shown)
        self._redraw()
        return f"{'Logarithmic' if self.settings.log else 'Linear'} scales, except for shares and cosines"

    def _smooth(self) -> str:
        """Switch to the next smoothing strength."""
        names = list(SMOOTHING)
        strength = names[(names.index(self.settings.smoothing) + 1) % len(names)]
        self._change(smoothing=strength)
        return f"Smoothing: {strength}"

    def _zoom(self, factor: float) -> str:
        """Multiply the number of steps shown."""
        return self._show_window(self.window.zoomed(factor, self.charted.newest))

    def _pan(self, share: float) -> str:
        """Move by a share of the window, to earlier steps if negative."""
        return self._show_window(self.window.panned(share, self.charted.newest))

    def _move_cursor(self, direction: int) -> str:
        """Move the cursor by `direction` evaluations; it first appears at the newest visible one."""
        newest, final, stride = self.charted.newest, self.charted.final, self.charted.stride
        if (cursor := self.settings.cursor) is None:
            step = min(newest, self.window.steps(newest)[1]) // stride * stride
        else:
            step = min(newest // stride * stride, max(0, (cursor // stride + direction) * stride))
        self._change(cursor=step, pointed=None, window=self.window.scrolled_to(step, newest, final))
        return f"Values at {self.charted.place(step)}. escape: newest values"

    def _remove_cursor(self) -> str:
        """Remove the cursor, so that the charts show the newest values."""
        self._change(cursor=None, pointed=None, window=replace(self.window, end=None))
        return "Newest values"

    def _show_window(self, window: Window) -> str:
        self._change(window=window)
        return self._window_words()

    def _window_words(self) -> str:
        following = ", following" if self.window.end is None else ". f: follow the newest step"
        return f"{self.charted.span(*self.window.steps(self.charted.newest))}{following}"

    def _change(self, **changes: object) -> None:
        self.settings: ChartSettings = replace(self.settings, **changes)
        self._redraw()

    def _redraw(self) -> None:
        # The message is drawn first.
        self.call_later(self.draw_soon, self.theme)

    # The mouse

    def respond(self, gesture: Gesture) -> str | None:
        """Do what the mouse asks for; return the message for the status line if there is one."""
        newest = self.charted.newest
        match gesture:
            case Point(step=step):
                self._change_soon(pointed=None if step is None else evaluation_near(step, self.charted.stride, newest))
            case Pick(step=step):
                cursor = evaluation_near(step, self.charted.stride, newest)
                self._change_soon(cursor=cursor, pointed=None)
                return f"Values at {self.charted.place(cursor)}. escape: newest values"
            case Drag(first=first, last=last):
                return self.charted.span(first, last)
            case Zoom(first=first, last=last):
                self._change_soon(pointed=None)
                return self._show_window_soon(between(first, last, newest))
            case Wheel(step=step, factor=factor, share=share):
                window = self.window.panned(share, newest) if share else self.window.zoomed(factor, newest, step)
                return self._show_window_soon(window)
            case ShowAll():
                self._change_soon(cursor=None)
                return self._show_window_soon(WHOLE_RUN)
        return None

    def _show_window_soon(self, window: Window) -> str:
        self._change_soon(window=window)
        return self._window_words()

    def _change_soon(self, **changes: object) -> None:
        """Change settings, and draw soon, but not at every event of the mouse."""
        before, self.settings = self.settings, replace(self.settings, **changes)
        if self.settings != before and not self._mouse_drawing:
            self._mouse_drawing = True
            interval = MOUSE_INTERVAL_AT_FULL_SPEED if self.charted.at_full_speed else MOUSE_INTERVAL
            call_once(self, interval, self._draw_for_mouse)

    def _draw_for_mouse(self) -> None:
        self._mouse_drawing = False
        self.draw_soon(self.theme)

"""The charts of the main screen: which metrics they show, and their window, cursor, scale and smoothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ...core.stream.rules import recorded_rule
from ..style.theme import Theme
from ..view.chart_specs import SMOOTHING, ChartSettings, with_log_toggled
from ..view.metrics import Metric, by_interest, metric
from ..view.run_view import RunView
from ..view.step_window import WHOLE_RUN, Window
from .chart_grid import ChartGrid

LEFT, RIGHT = 0, 1
# From this many rows of the terminal on, there are four charts unless the user asked for others.
ROWS_FOR_FOUR = 50


class ChartsPanel(ChartGrid):
    """Two or more charts, and the keys that change them."""

    def __init__(self, view: RunView, theme: Theme, metrics: Sequence[str] = (), *, id: str, classes: str) -> None:
        """`metrics`: those that the user asked for; if there are none, two or four, depending on the size."""
        super().__init__(view, theme, id=id, classes=classes)
        # Whether clipwatch decides what the charts show, because the user has asked for nothing else.
        self._is_default, self._count = not metrics, len(metrics) or 2
        self._metrics = [metric(name) for name in metrics]
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
        return self.settings.cursor

    @property
    def window(self) -> Window:
        """The window of steps."""
        return self.settings.window

    def begin_run(self) -> None:
        """Reset window and cursor for a new run."""
        self.settings = replace(self.settings, window=WHOLE_RUN, cursor=None)
        self._show_default()

    # Which metrics

    def fit(self, rows: int) -> None:
        """Show four charts on a tall terminal, unless the user asked for certain ones."""
        if self._is_default:
            self._count = 4 if rows >= ROWS_FOR_FOUR else 2
            self._show_default()

    def _show_default(self) -> None:
        """Show the most interesting metrics, unless the user asked for certain ones."""
        if self._is_default:
            self._metrics = self._by_interest()[: self._count]
        self.show_metrics(self._metrics, min(2, self._count))

    def _by_interest(self) -> list[Metric]:
        return by_interest(recorded_rule(lane.rule) for lane in self.view.state.lanes.values())

    def show_left(self, shown: Metric) -> str:
        """Show a metric in the left chart; return the message for the status line."""
        return self._show_metric(LEFT, shown)

    def _step_metric(self, place: int) -> str:
        """Show the next metric that no other chart shows."""
        place = min(place, len(self._metrics) - 1)
        metrics = self._by_interest()
        others = [one for number, one in enumerate(self._metrics) if number != place]
        rest = [one for one in metrics if one not in others]
        current = self._metrics[place]
        at = rest.index(current) + 1 if current in rest else 0
        return self._show_metric(place, rest[at % len(rest)])

    def _show_metric(self, place: int, shown: Metric) -> str:
        self._is_default, self._metrics[place] = False, shown
        self.show_metrics(self._metrics, min(2, self._count))
        key = "v" if place == LEFT else "V"
        return f"{shown.heading(self.view.state.config)}. {key}: next · G: all"

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
        return f"Smoothing: {strength} (weight of the past {SMOOTHING[strength]:g})"

    def _zoom(self, factor: float) -> str:
        """Multiply the number of steps shown."""
        return self._show_window(self.window.zoomed(factor, self.view.last_step))

    def _pan(self, share: float) -> str:
        """Move by a share of the window, to earlier steps if negative."""
        return self._show_window(self.window.panned(share, self.view.last_step))

    def _move_cursor(self, direction: int) -> str:
        """Move the cursor by `direction` evaluations; it first appears at the newest visible one."""
        newest, final, config = self.view.last_step, self.view.final_step, self.view.state.config
        stride = config.eval_every if config else 1
        if self.cursor is None:
            step = min(newest, self.window.steps(newest)[1]) // stride * stride
        else:
            step = min(newest // stride * stride, max(0, (self.cursor // stride + direction) * stride))
        self._change(cursor=step, window=self.window.scrolled_to(step, newest, final))
        return f"Values at step {step:,}. escape: newest values"

    def _remove_cursor(self) -> str:
        """Remove the cursor, so that the charts show the newest values."""
        self._change(cursor=None, window=replace(self.window, end=None))
        return "Newest values"

    def _show_window(self, window: Window) -> str:
        self._change(window=window)
        first, last = window.steps(self.view.last_step)
        return f"Steps {first:,} to {last:,}" + (", following" if window.end is None else ". f: follow the newest step")

    def _change(self, **changes: object) -> None:
        self.settings: ChartSettings = replace(self.settings, **changes)
        self._redraw()

    def _redraw(self) -> None:
        # The message is drawn first.
        self.call_later(self.draw_soon, self.theme)

"""The loss and accuracy charts, and their settings: window, cursor, scale and smoothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from textual.app import ComposeResult
from textual.containers import Horizontal

from ..charts.chart import render_chart
from ..charts.chart_spec import ChartLane, ChartSpec, Mark, Shade
from ..style.theme import Theme
from ..text.adam_memory import transients
from ..text.wording import change_label
from ..view.pointer import Drag, Gesture, Pick, Point, ShowAll, Wheel, Zoom, evaluation_near
from ..view.run_view import RunView
from ..view.step_window import WHOLE_RUN, Window, between
from .chart_mouse import ChartMouse

# Charts wait this many seconds after a key or a resize, so that its cheap response is painted first. It is shorter than
# two of Textual's repaints.
RESPONSE_TIME = 0.03
# Seconds between two redraws of the charts by the mouse, which can send hundreds of events per second. At full speed
# the lanes need the processor.
MOUSE_INTERVAL, MOUSE_INTERVAL_AT_FULL_SPEED = 0.05, 0.16
SMOOTHING = {"light": 0.6, "medium": 0.9, "strong": 0.97, "off": 0.0}


@dataclass(frozen=True)
class ChartSettings:
    """What the charts show and how; None: no cursor. While the mouse points at a step, its values are shown."""

    window: Window = WHOLE_RUN
    cursor: int | None = None
    pointed: int | None = None
    log: bool = False
    smoothing: str = "light"


class Chart(ChartMouse):
    """One measure of all lanes, on a fixed range (`bounds`) or one fitted to the values."""

    def __init__(self, measure: Literal["loss", "accuracy"], bounds: tuple[float, float] | None = None) -> None:
        super().__init__(id=measure)
        self.measure, self.bounds = measure, bounds


class ChartsPanel(Horizontal):
    """Both charts of a `RunView`, and the keys that change their settings."""

    DEFAULT_CSS = """
    ChartsPanel > Chart { width: 1fr; height: 100%; background: $surface; }
    ChartsPanel > #loss { margin: 0 1 0 0; }
    """

    def __init__(self, view: RunView, theme: Theme, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self._view, self._theme = view, theme
        self._settings = ChartSettings()
        self._charts = (Chart("loss"), Chart("accuracy", bounds=(0, 1)))
        self._pending: list[Chart] = []
        self._responded_at = 0.0
        self._mouse_drawing = False
        # Key id -> change of a setting, which returns the message for the status line.
        self.keys: dict[str, Callable[[], str]] = {
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

    def compose(self) -> ComposeResult:
        """Loss on the left, accuracy on the right."""
        yield from self._charts

    @property
    def cursor(self) -> int | None:
        """The step whose values both charts show; None: the newest."""
        return self._settings.cursor if self._settings.pointed is None else self._settings.pointed

    @property
    def window(self) -> Window:
        """The window of steps."""
        return self._settings.window

    # Drawing

    def begin_run(self) -> None:
        """Reset window and cursor for a new run."""
        self._settings = replace(self._settings, window=WHOLE_RUN, cursor=None, pointed=None)

    def yield_to_response(self) -> None:
        """Delay the charts until the response that was just drawn is painted."""
        self._responded_at = time.monotonic()

    @property
    def are_pending(self) -> bool:
        """Whether charts are waiting to be drawn."""
        return bool(self._pending)

    def draw(self, theme: Theme) -> None:
        """Draw both charts now."""
        self._theme = theme
        for chart in self._charts:
            self.draw_chart(chart)

    def on_resize(self) -> None:
        """Draw the charts at the new size: an ended run sends no event that would redraw them."""
        self.draw_soon(self._theme)

    def draw_soon(self, theme: Theme) -> None:
        """Schedule both charts, each in its own callback, so that a key waits for one chart at most."""
        self._theme = theme
        idle = not self._pending
        # A chart that is already pending keeps its place and is drawn once.
        self._pending += [chart for chart in self._charts if chart not in self._pending]
        if idle:
            self._schedule(self._draw_next)

    def _schedule(self, draw: Callable[[], None]) -> None:
        """Call `draw` after the pending callbacks and after a response that was just drawn is painted."""
        if (wait := self._responded_at + RESPONSE_TIME - time.monotonic()) > 0:
            self.set_timer(wait, draw)
        else:
            self.call_later(draw)

    def _draw_next(self) -> None:
        if not self.display:
            self._pending.clear()
            return
        self.draw_chart(self._pending.pop(0))
        if self._pending:
            self._schedule(self._draw_next)

    def draw_chart(self, chart: Chart) -> None:
        """Draw one chart."""
        chart.show(render_chart(self.spec_of(chart), chart.plot))

    def spec_of(self, chart: Chart) -> ChartSpec:
        """What a chart shows now."""
        settings, state, theme = self._settings, self._view.state, self._theme
        first, last = settings.window.steps_to_draw(self._view.last_step, self._view.final_step)
        lanes, marks, shades = [], [], []
        is_adam = state.config is not None and state.config.optimizer == "adam"
        for number, (name, lane) in enumerate(self._view.lanes.items()):
            failed = state.lanes[name].failed
            curve = lane.loss if chart.measure == "loss" else lane.accuracy
            lanes.append(ChartLane(name, theme.lane_colour(number), curve, failed.step if failed else None))
            shades += [Shade(*interval, number) for interval in transients(lane.changes)] if is_adam else []
            marks += [Mark(change.step, number, change_label(change)) for change in lane.effective_changes]
        return ChartSpec(
            title=chart.measure,
            width=chart.size.width,
            height=chart.size.height,
            lanes=tuple(lanes),
            first=first,
            last=last,
            bounds=chart.bounds,
            log=settings.log and chart.measure == "loss",
            smoothing=SMOOTHING[settings.smoothing],
            cursor=self.cursor,
            marks=tuple(marks),
            shades=tuple(shades),
            palette=theme.palette,
            ascii=theme.ascii,
        )

    # Settings

    def _toggle_log(self) -> str:
        """Toggle the logarithmic scale of the loss."""
        self._change(log=not self._settings.log)
        return f"Loss on a {'logarithmic' if self._settings.log else 'linear'} scale"

    def _smooth(self) -> str:
        """Switch to the next smoothing strength."""
        names = list(SMOOTHING)
        strength = names[(names.index(self._settings.smoothing) + 1) % len(names)]
        self._change(smoothing=strength)
        return f"Smoothing: {strength} (weight of the past {SMOOTHING[strength]:g})"

    def _zoom(self, factor: float) -> str:
        """Multiply the number of steps shown."""
        return self._show_window(self.window.zoomed(factor, self._view.last_step))

    def _pan(self, share: float) -> str:
        """Move by a share of the window, to earlier steps if negative."""
        return self._show_window(self.window.panned(share, self._view.last_step))

    def _move_cursor(self, direction: int) -> str:
        """Move the cursor by `direction` evaluations; it first appears at the newest visible one."""
        newest, final, stride, cursor = self._view.last_step, self._view.final_step, self._stride, self._settings.cursor
        if cursor is None:
            step = min(newest, self.window.steps(newest)[1] // stride * stride)
        else:
            step = min(newest, max(0, (cursor // stride + direction) * stride))
        self._change(cursor=step, pointed=None, window=self.window.scrolled_to(step, newest, final))
        return f"Values at step {step:,}. escape: newest values"

    @property
    def _stride(self) -> int:
        """The number of steps between evaluations."""
        return self._view.state.config.eval_every if self._view.state.config else 1

    def _remove_cursor(self) -> str:
        """Remove the cursor, so that the charts show the newest values."""
        self._change(cursor=None, pointed=None, window=replace(self.window, end=None))
        return "Newest values"

    def _show_window(self, window: Window) -> str:
        self._change(window=window)
        return self._window_words()

    def _window_words(self) -> str:
        first, last = self.window.steps(self._view.last_step)
        following = ", following" if self.window.end is None else ". f: follow the newest step"
        return f"Steps {first:,} to {last:,}{following}"

    def _change(self, **changes: object) -> None:
        self._settings = replace(self._settings, **changes)
        # The message is drawn first.
        self.call_later(self.draw_soon, self._theme)

    # The mouse

    def respond(self, gesture: Gesture) -> str | None:
        """Do what the mouse asks for; return the message for the status line if there is one."""
        newest = self._view.last_step
        match gesture:
            case Point(step=step):
                self._change_soon(pointed=None if step is None else evaluation_near(step, self._stride, newest))
            case Pick(step=step):
                cursor = evaluation_near(step, self._stride, newest)
                self._change_soon(cursor=cursor, pointed=None)
                return f"Values at step {cursor:,}. escape: newest values"
            case Drag(first=first, last=last):
                return f"Steps {first:,} to {last:,}"
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
        before, self._settings = self._settings, replace(self._settings, **changes)
        if self._settings != before and not self._mouse_drawing:
            self._mouse_drawing = True
            interval = MOUSE_INTERVAL_AT_FULL_SPEED if self._view.at_full_speed else MOUSE_INTERVAL
            self.set_timer(interval, self._draw_for_mouse)

    def _draw_for_mouse(self) -> None:
        self._mouse_drawing = False
        self.draw_soon(self._theme)

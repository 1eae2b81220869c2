"""The charts of loss and accuracy, and how they show these: window, cursor, scale and smoothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from textual.app import ComposeResult
from textual.containers import Horizontal

from ..charts.chart import ChartLane, ChartSpec, Mark, Plot, Shade, render_chart
from ..style.theme import Theme
from ..text.adam_memory import transients
from ..text.wording import change_label
from ..view.run_view import RunView
from ..view.window import WHOLE_RUN, Window
from .lines import Lines

# Seconds in which the answer to a key or to a new size reaches the terminal, which is less than two of Textual's
# paintings are apart; what takes long to draw waits for them to pass.
ANSWER_FIRST = 0.03
SMOOTHING = {"light": 0.6, "medium": 0.9, "strong": 0.97, "off": 0.0}


@dataclass(frozen=True)
class ChartSettings:
    """How the charts show what was measured."""

    window: Window = WHOLE_RUN
    cursor: int | None = None
    log: bool = False
    smoothing: str = "light"


class Chart(Lines):
    """One measure of all lanes, between `bounds` or as far as it reaches."""

    def __init__(self, measure: Literal["loss", "accuracy"], bounds: tuple[float, float] | None = None) -> None:
        super().__init__(id=measure)
        self.measure, self.bounds = measure, bounds
        # Keeps what was drawn, so that only the columns that change are drawn anew.
        self.plot = Plot()


class ChartsPanel(Horizontal):
    """Both charts of a `RunView`, and the keys that change how they show it."""

    DEFAULT_CSS = """
    ChartsPanel > Chart { width: 1fr; height: 100%; background: $surface; }
    ChartsPanel > #loss { margin: 0 1 0 0; }
    """

    def __init__(self, view: RunView, theme: Theme, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self._view, self._theme = view, theme
        self._settings = ChartSettings()
        self._charts = (Chart("loss"), Chart("accuracy", bounds=(0, 1)))
        self._due: list[Chart] = []
        self._answered = 0.0
        # What keys change, each answering with what to say of it.
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
        """Side by side."""
        yield from self._charts

    @property
    def cursor(self) -> int | None:
        """The step at which both are read off, if one is."""
        return self._settings.cursor

    @property
    def window(self) -> Window:
        """The steps in sight."""
        return self._settings.window

    # Drawing

    def begin_run(self) -> None:
        """Show the whole of a run that has just started."""
        self._settings = replace(self._settings, window=WHOLE_RUN, cursor=None)

    def wait_for_answer(self) -> None:
        """An answer was given just now: it is to be painted first."""
        self._answered = time.monotonic()

    @property
    def are_due(self) -> bool:
        """Whether charts that are to be drawn wait for their turn."""
        return bool(self._due)

    def draw(self, theme: Theme) -> None:
        """Bring both up to date, at once."""
        self._theme = theme
        for chart in self._charts:
            self.draw_chart(chart)

    def draw_soon(self, theme: Theme) -> None:
        """Each in a turn of its own, so that a key has to wait for one at most."""
        self._theme = theme
        idle = not self._due
        # One that waits already is drawn once, and before one that has had its turn.
        self._due += [chart for chart in self._charts if chart not in self._due]
        if idle:
            self._in_turn(self._draw_next)

    def _in_turn(self, draw: Callable[[], None]) -> None:
        """Draw once what came before is done, and an answer that has just been given has been painted."""
        if (wait := self._answered + ANSWER_FIRST - time.monotonic()) > 0:
            self.set_timer(wait, draw)
        else:
            self.call_later(draw)

    def _draw_next(self) -> None:
        if not self.display:
            self._due.clear()
            return
        self.draw_chart(self._due.pop(0))
        if self._due:
            self._in_turn(self._draw_next)

    def draw_chart(self, chart: Chart) -> None:
        """Bring one of the two up to date."""
        chart.show(render_chart(self.described(chart), chart.plot))

    def described(self, chart: Chart) -> ChartSpec:
        """What a chart is to show now."""
        settings, state, theme = self._settings, self._view.state, self._theme
        first, last = settings.window.drawn(self._view.last_step, self._view.final_step)
        lanes, marks, shades = [], [], []
        remembers = state.config is not None and state.config.optimizer == "adam"
        for number, (name, lane) in enumerate(self._view.lanes.items()):
            failed = state.lanes[name].failed
            curve = lane.loss if chart.measure == "loss" else lane.accuracy
            lanes.append(ChartLane(name, theme.lane_colour(number), curve, failed.step if failed else None))
            shades += [Shade(*stretch, number) for stretch in transients(lane.changes)] if remembers else []
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
            cursor=settings.cursor,
            marks=tuple(marks),
            shades=tuple(shades),
            palette=theme.palette,
            ascii=theme.ascii,
        )

    # Settings

    def _toggle_log(self) -> str:
        """Loss on a logarithmic or a linear scale."""
        self._change(log=not self._settings.log)
        return f"loss on a {'logarithmic' if self._settings.log else 'linear'} scale"

    def _smooth(self) -> str:
        """The next strength of smoothing."""
        names = list(SMOOTHING)
        strength = names[(names.index(self._settings.smoothing) + 1) % len(names)]
        self._change(smoothing=strength)
        return f"smoothing {strength} (weight of the past {SMOOTHING[strength]:g})"

    def _zoom(self, factor: float) -> str:
        """So many times the steps."""
        return self._show_window(self.window.zoomed(factor, self._view.last_step))

    def _pan(self, share: float) -> str:
        """A share of the window to later steps, or to earlier ones if it is negative."""
        return self._show_window(self.window.panned(share, self._view.last_step))

    def _move_cursor(self, direction: int) -> str:
        """So many evaluations on; the cursor appears at the newest in sight."""
        newest, final, config = self._view.last_step, self._view.final_step, self._view.state.config
        stride = config.eval_every if config else 1
        if self.cursor is None:
            step = min(newest, self.window.steps(newest)[1] // stride * stride)
        else:
            step = min(newest, max(0, (self.cursor // stride + direction) * stride))
        self._change(cursor=step, window=self.window.showing(step, newest, final))
        return f"values at step {step:,}; escape shows the newest again"

    def _remove_cursor(self) -> str:
        """The newest values again."""
        self._change(cursor=None, window=replace(self.window, end=None))
        return "the charts show the newest values"

    def _show_window(self, window: Window) -> str:
        self._change(window=window)
        first, last = window.steps(self._view.last_step)
        return f"steps {first:,} to {last:,}" + (", following" if window.end is None else "; f follows again")

    def _change(self, **changes: object) -> None:
        self._settings = replace(self._settings, **changes)
        # What is said of it comes first.
        self.call_later(self.draw_soon, self._theme)

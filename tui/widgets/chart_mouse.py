"""The mouse over a chart: turns Textual's mouse events into gestures at steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from ..charts.plotting import Plot
from ..view.pointer import WHEEL_PAN, WHEEL_ZOOM, Gesture, Point, Press, ShowAll, Wheel, highlighted
from .lines import Lines


class ChartGesture(Message):
    """The user did something with the mouse in a chart."""

    def __init__(self, gesture: Gesture) -> None:
        super().__init__()
        self.gesture = gesture


class ChartMouse(Lines):
    """The lines of a chart; posts a `ChartGesture` for the mouse, and highlights the steps of a drag."""

    DEFAULT_CSS = """
    ChartMouse > .chart--dragged { background: $primary 35%; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--dragged"}

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        # Caches the drawn curves, so that only changed columns are drawn.
        self.plot = Plot()
        self._press: Press | None = None
        self._drawn: Sequence[Strip] = ()

    def show(self, lines: Sequence[Strip]) -> None:
        """Show the chart, with the steps of a drag highlighted."""
        self._drawn = lines
        if self._press and self._press.is_drag and (area := self.plot.area):
            lines = highlighted(lines, self._press, area, self.plot.header, self._drag_style)
        super().show(lines)

    @property
    def _drag_style(self) -> Style:
        if self.app.no_color:
            return Style(reverse=True)
        return Style(bgcolor=self.get_component_rich_style("chart--dragged").bgcolor)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a click or a drag."""
        if event.button == 1 and self.plot.area:
            self._press = Press(event.x, event.x)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Point at the step under the pointer, or extend the drag."""
        if (area := self.plot.area) is None:
            return
        if self._press and event.button == 0:
            # The button was released elsewhere before the mouse was captured.
            self._let_go()
        if self._press is None:
            self.post_message(ChartGesture(Point(area.step(event.x))))
        elif event.x != self._press.at:
            self._press = Press(self._press.start, event.x)
            self.post_message(ChartGesture(self._press.held(area)))
            self.show(self._drawn)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End a click or a drag."""
        if (press := self._press) and (area := self.plot.area):
            self.post_message(ChartGesture(press.released(area)))
        self._let_go()

    def _let_go(self) -> None:
        self._press = None
        self.release_mouse()
        self.show(self._drawn)

    def on_click(self, event: events.Click) -> None:
        """A double click shows all steps."""
        event.stop()
        if event.chain >= 2:
            self.post_message(ChartGesture(ShowAll()))

    def on_leave(self) -> None:
        """End pointing."""
        self.post_message(ChartGesture(Point(None)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show fewer steps around the pointer."""
        self._turn(event, factor=WHEEL_ZOOM)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show more steps around the pointer."""
        self._turn(event, factor=1 / WHEEL_ZOOM)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Show earlier steps."""
        self._turn(event, share=-WHEEL_PAN)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Show later steps."""
        self._turn(event, share=WHEEL_PAN)

    def _turn(self, event: events.MouseEvent, *, factor: float = 1.0, share: float = 0.0) -> None:
        event.stop()
        if area := self.plot.area:
            self.post_message(ChartGesture(Wheel(area.step(event.x), factor, share)))

"""A screen with a chart of every series of the run, paged and filtered by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input

from ..style.theme import Theme
from ..terminal.once import call_once
from ..view.bar import Part, bar
from ..view.charted import ChartedRun
from ..view.grid_keys import GRID_KEYS
from ..view.grid_pages import GridPages, recorded_metrics
from ..view.key_line import key_at, key_line
from ..view.metrics import Metric
from ..view.run_view import RunView
from ..widgets.chart_grid import Chart, ChartGrid
from ..widgets.chart_mouse import ChartGesture
from ..widgets.charts_panel import MOUSE_INTERVAL, MOUSE_INTERVAL_AT_FULL_SPEED, ChartsPanel
from ..widgets.lines import Lines
from .help import HelpScreen

_REVERSE = Style(reverse=True)
_ABOUT = Text(
    "A chart of every series that the run has recorded, the most interesting first. Zoom, cursor, scale and smoothing "
    "are those of the run's screen, where the same keys change them."
)
_MOUSE = {
    "click": "Select a chart and put the cursor there, or press a key of the last line",
    "drag": "Show only these steps",
    "double click": "Show the whole run",
    "wheel": "Zoom at the pointer",
}


class GridScreen(Screen[Metric | None]):
    """Shows all charts; closes with the metric that the user selected, or None.

    `charts` are those of the run's screen. The grid has their window, cursor, scale and smoothing, and changes them.
    """

    DEFAULT_CSS = """
    GridScreen { layout: vertical; }
    GridScreen > .bar { height: 1; background: $panel; }
    GridScreen > ChartGrid { height: 1fr; grid-gutter: 0 1; }
    GridScreen > Input { padding: 0 1; background: $boost; display: none; }
    GridScreen.-filtering > Input { display: block; }
    """
    BINDINGS: ClassVar = [key.binding for key in GRID_KEYS]
    ALLOW_SELECT = False
    # Only the filter has the focus, while it is open.
    AUTO_FOCUS = ""

    def __init__(self, view: RunView, theme: Theme, charts: ChartsPanel, keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._view, self.theme, self._charts, self._keymap = view, theme, charts, keymap
        self._title, self._keys = Lines(classes="bar"), Lines(classes="bar")
        self._grid = _SelectableGrid(ChartedRun(view), theme)
        self._grid.settings = charts.settings
        self._filter = Input(placeholder="part of a name, like norm", compact=True, select_on_focus=False)
        self._pages = GridPages()
        self._message, self._alert = "", False
        self._following_mouse = False

    def compose(self) -> ComposeResult:
        """Title, charts, filter and keys."""
        yield self._title
        yield self._grid
        yield self._filter
        yield self._keys

    def on_resize(self, event: events.Resize) -> None:
        """Show as many charts as fit."""
        pages = self._pages.fitted(event.size.width, event.size.height - 2)
        self._show(pages.of(recorded_metrics(self._view, self._filter.value)))

    def draw(self, theme: Theme) -> None:
        """Draw new values, and add the charts of series that are new."""
        self.theme = theme
        metrics = recorded_metrics(self._view, self._filter.value)
        if tuple(metrics) != self._pages.metrics:
            self._show(self._pages.of(metrics))
        else:
            self._draw_bars()
            self._grid.draw_soon(theme)

    def say(self, message: str, *, alert: bool = False) -> None:
        """Show a message in the title, until another chart is selected."""
        self._message, self._alert = message, alert
        self._grid.yield_to_response()
        self._draw_bars()

    def _show(self, pages: GridPages) -> None:
        before, self._pages = self._pages, pages
        self._message = ""
        self._draw_bars()
        if (pages.on_page, pages.across) == (before.on_page, before.across):
            self._grid.select(pages.chosen)
        else:
            self._grid.selected = pages.chosen
            self._grid.show_metrics(pages.on_page, min(pages.across, max(1, len(pages.on_page))))

    def _draw_bars(self) -> None:
        theme, pages, width = self.theme, self._pages, self.size.width
        name = pages.chosen.heading(self._view.state.own_config) if pages.chosen else "no series has this in its name"
        left = [Part("all charts", theme.strong, 2), Part(name, theme.text, 3 if self._message else 0)]
        left += [Part(self._message, theme.alert if self._alert else theme.strong)] if self._message else []
        count = len(pages.metrics)
        places = [f"{count} chart{'' if count == 1 else 's'}"]
        places += [f"page {pages.page + 1} of {pages.pages}"] if pages.pages > 1 else []
        self._title.show([bar(left, [Part(f"{', '.join(places)} ", theme.muted, 1)], width, theme)])
        self._keys.show([key_line(self._keymap, width, theme, keys=GRID_KEYS)])

    # Keys

    def action_move(self, right: int, down: int) -> None:
        """Select another chart."""
        self._show(self._pages.moved(right + down * self._pages.across))

    def action_page(self, pages: int) -> None:
        """Select a chart on another page."""
        self._show(self._pages.moved(pages * self._pages.page_size))

    def action_change_charts(self, key: str) -> None:
        """Change a setting of all charts, here and on the run's screen."""
        self.say(self._charts.keys[key]())
        self._use_settings()

    def _use_settings(self) -> None:
        if self._grid.settings != self._charts.settings:
            self._grid.settings = self._charts.settings
            self._grid.draw_soon(self.theme)

    def action_filter(self) -> None:
        """Open the filter."""
        self.add_class("-filtering")
        # Not `focus()`, which waits: a letter typed meanwhile would act as a key of this screen.
        self.set_focus(self._filter)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show only the charts whose name has the text that was typed."""
        event.stop()
        self._show(self._pages.of(recorded_metrics(self._view, event.value)))

    def on_input_submitted(self) -> None:
        """Close with the selected metric; the filter takes the key away from the screen."""
        self.action_select()

    def action_select(self) -> None:
        """Close with the selected metric."""
        if self._pages.chosen:
            self.dismiss(self._pages.chosen)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(HelpScreen(self._keymap, keys=GRID_KEYS, about=_ABOUT, mouse=_MOUSE))

    def action_back(self) -> None:
        """Clear and close the filter; without one, remove the cursor; without that, close the screen."""
        if self.has_class("-filtering"):
            self.remove_class("-filtering")
            self._filter.value = ""
            self.set_focus(None)
        elif self._charts.settings.cursor is not None:
            self.action_change_charts("cursor_off")
        else:
            self.dismiss(None)

    def action_close(self) -> None:
        """Close the screen."""
        self.dismiss(None)

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Select the chart under the pointer."""
        chart, _ = self.get_widget_at(*event.screen_offset)
        if isinstance(chart, Chart) and chart.metric in self._pages.metrics:
            self._show(self._pages.moved(self._pages.metrics.index(chart.metric) - self._pages.selected))

    async def on_click(self, event: events.Click) -> None:
        """Do what the clicked key of the key line does."""
        if event.widget is self._keys and (
            key := key_at(event.x, self._keymap, self.size.width, self.theme, keys=GRID_KEYS)
        ):
            await self.run_action(key.action)

    def on_chart_gesture(self, event: ChartGesture) -> None:
        """Pass the mouse on to the charts of the run's screen, whose settings the grid has."""
        event.stop()
        if message := self._charts.respond(event.gesture):
            self.say(message)
        if not self._following_mouse:
            self._following_mouse = True
            interval = MOUSE_INTERVAL_AT_FULL_SPEED if self._view.at_full_speed else MOUSE_INTERVAL
            call_once(self, interval, self._follow_mouse)

    def _follow_mouse(self) -> None:
        self._following_mouse = False
        self._use_settings()


class _SelectableGrid(ChartGrid):
    """A grid whose selected chart has its header in reverse."""

    selected: Metric | None = None

    def select(self, metric: Metric | None) -> None:
        """Select a chart, and draw only those whose header changes."""
        before, self.selected = self.selected, metric
        for chart in self.charts:
            if metric != before and chart.metric in (before, metric):
                self.draw_chart(chart)

    def strips_of(self, chart: Chart) -> list[Strip]:
        header, *rest = super().strips_of(chart)
        if chart.metric != self.selected:
            return [header, *rest]
        # The title ends at the first two blanks, or where the legend of a narrow chart begins.
        title = header.text[: header.text.find("  ", 1) + 1] or header.text
        named, legend = header.divide([cell_len(title), header.cell_length])
        return [Strip.join([named.apply_style(_REVERSE), legend]), *rest]

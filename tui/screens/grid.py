"""A screen with a chart of every series of the run, paged and filtered by name."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.strip import Strip
from textual.widgets import Input

from ...core.safe_text import printable
from ..style.theme import Theme
from ..view.chart_specs import ChartSettings
from ..view.grid_pages import GridPages, recorded_metrics
from ..view.header_and_footer import Part, bar
from ..view.metrics import Metric
from ..view.run_view import RunView
from ..widgets.chart_grid import Chart, ChartGrid
from ..widgets.lines import Lines

_REVERSE = Style(reverse=True)


class GridScreen(Screen[Metric | None]):
    """Shows all charts; closes with the metric that the user selected, or None."""

    DEFAULT_CSS = """
    GridScreen { layout: vertical; }
    GridScreen > .bar { height: 1; background: $panel; }
    GridScreen > ChartGrid { height: 1fr; grid-gutter: 0 1; }
    GridScreen > Input { height: 1; border: none; padding: 0 1; background: $boost; display: none; }
    GridScreen.-filtering > Input { display: block; }
    """
    BINDINGS: ClassVar = [
        Binding("escape", "close", "back"),
        Binding("G,q", "close", "back", show=False),
        Binding("enter", "select", "left chart", priority=True),
        Binding("slash", "filter", "filter"),
        Binding("left", "move(-1, 0)", "left"),
        Binding("right,tab", "move(1, 0)", "right"),
        Binding("up", "move(0, -1)", "up"),
        Binding("down", "move(0, 1)", "down"),
        Binding("pageup", "page(-1)", "page up"),
        Binding("pagedown", "page(1)", "page down"),
    ]

    def __init__(self, view: RunView, theme: Theme, settings: ChartSettings) -> None:
        super().__init__()
        self._view, self.theme = view, theme
        self._title, self._keys = Lines(classes="bar"), Lines(classes="bar")
        self._grid = _SelectableGrid(view, theme)
        self._grid.settings = settings
        self._filter = Input(placeholder="part of a name, like norm", select_on_focus=False)
        self._pages = GridPages()

    def compose(self) -> ComposeResult:
        """Title, charts, filter and keys."""
        yield self._title
        yield self._grid
        yield self._filter
        yield self._keys

    def on_resize(self, event: events.Resize) -> None:
        """Show as many charts as fit."""
        self._pages = self._pages.fitted(event.size.width, event.size.height - 2)
        self._show(self._pages.of(recorded_metrics(self._view, self._filter.value)))

    def draw(self, theme: Theme) -> None:
        """Draw new values, and add the charts of series that are new."""
        self.theme = theme
        metrics = recorded_metrics(self._view, self._filter.value)
        if tuple(metrics) != self._pages.metrics:
            self._show(self._pages.of(metrics))
        else:
            self._draw_bars()
            self._grid.draw_soon(theme)

    def _show(self, pages: GridPages) -> None:
        changed = pages.on_page != self._pages.on_page or not self._grid.shown
        self._pages = pages
        self._grid.selected = pages.chosen
        if changed:
            self._grid.show_metrics(pages.on_page, min(pages.across, max(1, len(pages.on_page))))
        else:
            self._grid.draw_soon(self.theme)
        self._draw_bars()

    def _draw_bars(self) -> None:
        theme, pages, width = self.theme, self._pages, self.size.width
        name = printable(pages.chosen.title if pages.chosen else "no series has this in its name", ascii=theme.ascii)
        place = f"page {pages.page + 1} of {pages.pages}" if pages.pages > 1 else ""
        left = [Part("all charts", theme.strong, 1), Part(name, theme.text)]
        self._title.show([bar(left, [Part(f"{place} ", theme.muted, 2)], width, theme)])
        keys = (("enter", "left chart"), ("/", "filter"), ("arrows", "select"), ("pgdn", "next page"), ("esc", "back"))
        segments = [
            segment
            for key, label in keys
            for segment in (Segment(f" {key}", theme.strong), Segment(f" {label} ", theme.muted))
        ]
        self._keys.show([Strip(segments).adjust_cell_length(width, theme.text)])

    # Keys

    def action_move(self, right: int, down: int) -> None:
        """Select another chart."""
        self._show(self._pages.moved(right + down * self._pages.across))

    def action_page(self, pages: int) -> None:
        """Select a chart on another page."""
        self._show(self._pages.moved(pages * self._pages.page_size))

    def action_filter(self) -> None:
        """Open the filter."""
        self.add_class("-filtering")
        self._filter.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show only the charts whose name has the text that was typed."""
        event.stop()
        self._show(self._pages.of(recorded_metrics(self._view, event.value)))

    def action_select(self) -> None:
        """Close with the selected metric."""
        self.dismiss(self._pages.chosen)

    def action_close(self) -> None:
        """Close the filter if it is open, otherwise the screen."""
        if not self.has_class("-filtering"):
            self.dismiss(None)
            return
        self.remove_class("-filtering")
        self._filter.value = ""
        self.set_focus(None)


class _SelectableGrid(ChartGrid):
    """A grid whose selected chart has its header in reverse."""

    selected: Metric | None = None

    def strips_of(self, chart: Chart) -> list[Strip]:
        header, *rest = super().strips_of(chart)
        return [header.apply_style(_REVERSE) if chart.metric == self.selected else header, *rest]

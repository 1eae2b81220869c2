"""The Textual app of `clipwatch compare`: the lanes of several runs in the same charts, and their table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, Static

from ...core.runs.compared import ComparedLane, in_short
from ...core.runs.folder import RunFolder
from ..screens.help import HelpScreen
from ..style.theme import DARK, Theme
from ..terminal.terminal_app import ScreenApp
from ..view.bar import Part, bar
from ..view.key_line import key_at, key_line
from ..widgets.chart_mouse import ChartGesture
from ..widgets.charts_panel import ChartsPanel
from ..widgets.lines import Lines
from .charts import ChartedComparison
from .keys import KEYS
from .page import details, legend, remark, rows_in_sight, title
from .reading import Appended, Begun, Reader, ReadingFailed
from .view import CompareView

SMALLEST = (60, 16)
# Seconds between two looks at what was read, and the least seconds between two redraws of the charts by it.
_FRAME, _REDRAW = 0.1, 0.4
# Seconds per frame for folding events.
_FOLD_SECONDS = 0.05
# The table takes at most this share of the height; the charts have at least so many lines.
_TABLE_SHARE, _LEAST_CHARTS = 0.45, 6
_ABOUT = Text(
    "The lanes of several runs, each in the colour and with the symbol of its row in the table; 2B is the second lane "
    "of the second run. The table says in which settings the lanes differ, and their results: on all validation data "
    "with the 95 % interval of an accuracy, or of the newest evaluation with its step. Seconds are those since the "
    "lanes of a run started, pauses included. Faint curves: raw values. Bold curves: smoothed. The curve of a forked "
    "lane begins at its parent's. Runs under way are followed. A difference between runs says little of clipping "
    "unless they differ by the rule alone: a sweep compares many seeds."
)
_MOUSE = {
    "click": "Select a lane, put the cursor into a chart, or press a key of the last line",
    "drag": "Show only this part of a chart",
    "double click": "Show the whole runs",
    "wheel": "Zoom a chart at the pointer, or select another lane",
}


class ComparedCharts(ChartsPanel):
    """The charts of a comparison."""

    HINT = ""


class CompareApp(ScreenApp):
    """The app of a comparison."""

    TITLE = "clipwatch compare"
    CSS = (
        ScreenApp.CSS
        + """
    Screen { layout: vertical; background: $surface; }
    #title, #details, #message, #keys { height: 1; background: $panel; }
    #charts { height: 1fr; background: $surface; }
    #legend { height: 3; background: $surface; }
    #prompt { display: none; height: 1; background: $surface; padding: 0 1; }
    #prompt Static { width: auto; color: $primary; text-style: bold; }
    #prompt Input { width: 1fr; background: $surface; }
    .-ascii #prompt Input { border: none; }
    """
    )
    BINDINGS: ClassVar = [
        *(key.binding for key in KEYS),
        Binding("ctrl+c,ctrl+q", "leave", "quit", priority=True),
    ]
    ENABLE_COMMAND_PALETTE = False
    # Only the filter has the focus, while it is open.
    AUTO_FOCUS = ""

    def __init__(
        self,
        folders: Sequence[RunFolder],
        *,
        charts: Sequence[str] = (),
        theme: str = DARK.name,
        ascii: bool = False,
    ) -> None:
        super().__init__(ascii=ascii)
        self.theme = theme
        self.view = CompareView([folder.path.name for folder in folders])
        self.reader = Reader(folders)
        self._charted = ChartedComparison(self.view)
        self._cursor = 0
        self._message, self._alert = "", False
        self._asking = self._dirty = False
        self._drawn_at = 0.0
        self._title, self._legend, self._keys = Lines(id="title"), Lines(id="legend"), Lines(id="keys")
        self._details, self._message_line = Lines(id="details"), Lines(id="message")
        self._charts = ComparedCharts(self._charted, self.make_theme(), charts, id="charts")
        self._input = Input(compact=True, placeholder="name, run, state or setting: relu clipped 1A")
        self._prompt = Horizontal(Static("filter: "), self._input, id="prompt")

    def compose(self) -> ComposeResult:
        """Title, charts, table, details of the selected lane, message or prompt, and keys."""
        yield self._title
        yield self._charts
        yield self._legend
        yield self._details
        yield self._message_line
        yield self._prompt
        yield self._keys

    def on_mount(self) -> None:
        """Start reading, and the timer that draws what was read."""
        self.theme_changed_signal.subscribe(self, lambda _: self.call_after_refresh(self._draw))
        self.reader.start()
        self.set_interval(_FRAME, self._frame)

    def on_resize(self, event: events.Resize) -> None:
        """Draw at the new size."""
        self.call_after_refresh(self._draw)

    # What was read

    def _frame(self) -> None:
        before = self.view.gains_runs
        self.take_news(_FOLD_SECONDS)
        for entry, read, size in zip(self.view.runs, self.reader.progress, self.reader.sizes, strict=True):
            self._dirty |= before and entry.read != read
            entry.read, entry.size = read, size
        complete = before and not self.view.gains_runs
        if self._dirty and (complete or time.monotonic() >= self._drawn_at + _REDRAW):
            self._draw()

    def take_news(self, seconds: float) -> None:
        """Fold what was read, for about so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and (news := self.reader.news()):
            self._dirty = True
            match news:
                case Begun(place, read, times, followed, damage):
                    self.view.begin(place, read, times, followed=followed, fault=in_short(damage))
                    self._charts.theme = self.make_theme()
                    self._charts.begin_run()
                case Appended(place, read, followed, lost):
                    self.view.append(place, read, followed=followed, fault=lost)
                case ReadingFailed(place, why):
                    self.view.leave_out(place, why)

    # Drawing

    def _draw(self) -> None:
        self._dirty = self.terminal_is_behind
        if self._dirty:
            return
        self._drawn_at = time.monotonic()
        width, height, theme = *self.size, self.make_theme()
        if width < SMALLEST[0] or height < SMALLEST[1]:
            self._charts.display = False
            self._title.show(
                [bar([Part(f"clipwatch needs {SMALLEST[0]} x {SMALLEST[1]} cells", theme.text)], [], width, theme)]
            )
            return
        self._charts.display = True
        needed = len(self.view.listed) + 1 + len(self.view.faults)
        rows = min(needed, max(2, int(height * _TABLE_SHARE)), height - 4 - _LEAST_CHARTS)
        self._legend.styles.height = max(2, rows)
        self._draw_lines(theme)
        self._charts.draw_soon(theme)

    def _draw_lines(self, theme: Theme) -> None:
        """Draw everything but the charts."""
        width, listed = self.size.width, self.view.listed
        self._cursor = max(0, min(self._cursor, len(listed) - 1))
        rows = self._legend.styles.height
        self._title.show([title(self.view, width, theme)])
        self._legend.show(legend(self.view, self._cursor, (width, int(rows.value) if rows else 2), theme))
        self._details.show([details(self.selected, width, theme)])
        message, style = self._message or remark(self.view), theme.alert if self._alert else theme.text
        self._message_line.show([bar([Part(message, style)], [], width, theme)])
        shown = [(Part("enter", theme.strong), "back"), (Part("escape", theme.strong), "show all")]
        keys = [Part(f"{part.text} {what}", theme.text) for part, what in shown]
        self._keys.show([bar(keys, [], width, theme) if self._asking else key_line({}, width, theme, keys=KEYS)])

    def say(self, message: str, *, alert: bool = False) -> None:
        """Show a message until another key is pressed that has one, or another lane is selected."""
        self._message, self._alert = message, alert
        self._charts.yield_to_response()
        self._draw_lines(self.make_theme())

    # Lanes

    @property
    def selected(self) -> ComparedLane | None:
        """The lane of the selected row."""
        listed = self.view.listed
        return listed[self._cursor] if 0 <= self._cursor < len(listed) else None

    def action_move(self, rows: int) -> None:
        """Select another lane."""
        self._cursor += rows
        self.say("")

    def action_hide(self) -> None:
        """Hide the selected lane, or show it again."""
        if lane := self.selected:
            self.view.toggle(lane)
            self._message, self._alert = "", False
            self._draw()

    def action_only(self) -> None:
        """Show only the selected lane, or all of them again."""
        if lane := self.selected:
            only = self.view.show_only(lane)
            self._message, self._alert = "Only this lane. o: all of them" if only else "", False
            self._draw()

    def action_axis(self) -> None:
        """Switch between steps and seconds."""
        self.view.by_seconds = not self.view.by_seconds
        self._message, self._alert = "", False
        self._charts.begin_run()
        self._draw()

    # Charts

    def action_change_charts(self, key: str) -> None:
        """Change what the charts show, or how."""
        self.say(self._charts.keys[key]())

    def on_chart_gesture(self, event: ChartGesture) -> None:
        """Do what the mouse asks for."""
        event.stop()
        if message := self._charts.respond(event.gesture):
            self.say(message)

    async def on_click(self, event: events.Click) -> None:
        """Select the clicked lane, or do what the clicked key of the key line does."""
        if event.widget is self._keys and not self._asking:
            if key := key_at(event.x, {}, self.size.width, self.make_theme(), keys=KEYS):
                await self.run_action(key.action)
        elif event.widget is self._legend and (row := self._row_at(event.y)) is not None:
            self.action_move(row - self._cursor)

    def _row_at(self, line: int) -> int | None:
        """The row at a line of the table."""
        rows = rows_in_sight(self.view, self._cursor, self._legend.size.height)
        return rows[line - 1] if 1 <= line <= len(rows) else None

    # The filter

    def action_ask_filter(self) -> None:
        """Filter the lanes while the user types."""
        self._ask(True)
        self._input.value = self.view.filter
        self.set_focus(self._input)

    def _ask(self, asking: bool) -> None:
        self._asking = asking
        self._prompt.display, self._message_line.display = asking, not asking
        self._draw_lines(self.make_theme())

    @on(Input.Changed)
    def _type(self, event: Input.Changed) -> None:
        if self._asking:
            self._set_filter(event.value)

    @on(Input.Submitted)
    def _submit(self) -> None:
        self.set_focus(None)
        self._ask(False)

    def _set_filter(self, text: str) -> None:
        self.view.filter, self._message, self._alert = text, "", False
        self._draw()

    def action_escape(self) -> None:
        """Close the prompt and clear the filter; without one, show the newest values."""
        if self._asking or self.view.filter:
            self.set_focus(None)
            self._ask(False)
            self._set_filter("")
        else:
            self.action_change_charts("cursor_off")

    # The program itself

    def action_show_help(self) -> None:
        """Explain the charts, the table and the keys."""
        self.push_screen(HelpScreen({}, keys=KEYS, about=_ABOUT, mouse=_MOUSE))

    def action_leave(self) -> None:
        """Quit."""
        self.exit(0, return_code=0)

"""The Textual app of `clipwatch runs`: a list of recorded runs and sweeps, from which one is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import DataTable, Input, Static

from ...core.errors import ClipwatchError
from ...core.runs.folder import RunFolder
from ...core.sweeps.housekeeping import deletable, delete, rename
from ...core.sweeps.listing import Recording
from ...core.sweeps.recorded_folders import RecordedFolder
from ..screens.help import HelpScreen
from ..style.theme import DARK
from ..terminal.terminal_app import ScreenApp
from ..text.number_format import number_of
from ..view.bar import Part, bar
from ..view.key_line import key_at
from ..widgets.lines import Lines
from .bars import details, keys, title
from .cells import LEGEND
from .delete_question import DeleteQuestion
from .keys import KEYS
from .rows import Column, Row, arranged, fitting

# The details take at most this many lines, and this share of the height.
_MAX_DETAILS, _DETAILS_SHARE = 5, 4
_ABOUT = Text(
    "The recorded runs and sweeps, newest first, and below each run those that were forked from it. A * behind the "
    "state marks a run that was changed mid-run: it is not a clean comparison of its lanes. For a sweep, the result is "
    "the mean difference of its first two settings."
)
_MOUSE = {
    "click": "Select a recording, a second time: open it. Or press a key of the last line",
    "wheel": "Scroll the list",
}


@dataclass(frozen=True)
class ListState:
    """What is kept when a recording is opened from the list: filter, theme, the selected recording, the marked ones."""

    filter: str = ""
    marked: tuple[str, ...] = ()
    theme: str = DARK.name
    selected: str = ""


class RunsApp(ScreenApp):
    """The list of runs. Once the app has exited, it says what to show: the recording `opened`, or the runs `compared`.

    If there is neither, the user has quit.
    """

    TITLE = "clipwatch runs"
    CSS = (
        ScreenApp.CSS
        + """
    .-ascii DataTable { scrollbar-size: 0 0; }
    #title, #message, #keys { height: 1; background: $panel; }
    #details { height: auto; background: $panel; }
    DataTable { height: 1fr; background: $surface; }
    DataTable > .datatable--header { background: $surface; color: $foreground-muted; text-style: bold; }
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

    def __init__(
        self, recordings: Sequence[Recording], home: Path, state: ListState, *, message: str = "", ascii: bool = False
    ) -> None:
        super().__init__(ascii=ascii)
        self.theme = state.theme
        self._rows = [Row(recording, ascii=ascii) for recording in reversed(recordings)]
        names = {row.recording.name for row in self._rows}
        marked = tuple(name for name in state.marked if name in names)
        self._home, self._state = home, replace(state, marked=marked)
        self._message, self._alert = message, bool(message)
        # The row that was selected when the message was shown.
        self._message_row: Row | None = None
        self._shown: list[Row] = []
        self._columns: list[Column] = []
        # What the prompt asks for: "" if it is closed.
        self._asking = ""
        # The row that the message belongs to: it is shown until another one is selected.
        self._message_row: Row | None = None
        # The row that gets a new name.
        self._named: Row | None = None
        self.opened: RecordedFolder | None = None
        self.compared: list[RunFolder] = []
        self._title, self._message_line, self._keys = Lines(id="title"), Lines(id="message"), Lines(id="keys")
        self._details = Lines(id="details")
        self._table: DataTable[Text] = DataTable(cursor_type="row", zebra_stripes=False)
        self._label, self._input = Static(), Input(compact=True)
        self._prompt = Horizontal(self._label, self._input, id="prompt")

    @property
    def state(self) -> ListState:
        """What to keep while a recording is open."""
        return replace(self._state, theme=self.theme, selected=self._selected.recording.name if self._selected else "")

    def compose(self) -> ComposeResult:
        """Title, list, details of the selected recording, message or prompt, and keys."""
        yield self._title
        yield self._table
        yield self._details
        yield self._message_line
        yield self._prompt
        yield self._keys

    def on_mount(self) -> None:
        """Fill the list."""
        self._table.focus()
        self.theme_changed_signal.subscribe(self, lambda _: self.call_after_refresh(self._draw))
        self.call_after_refresh(self._fill, self._state.selected)

    def on_resize(self, event: events.Resize) -> None:
        """Show the columns that fit."""
        self.call_after_refresh(self._fill)

    # The list

    @property
    def _selected(self) -> Row | None:
        row = self._table.cursor_row
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def _fill(self, selected: str = "") -> None:
        """Fill the table with the rows that match the filter; keep the selection if its row is among them."""
        selected = selected or (self._selected.recording.name if self._selected else "")
        matching = [row for row in self._rows if row.matches(self._state.filter)]
        self._shown = arranged(matching, ascii=self.ascii)
        room = self.size.width - self._table.scrollbar_size_vertical - self._mark_width
        self._columns = fitting(self._shown, room)
        self._table.clear(columns=True)
        for column in self._columns:
            width = column.width + (self._mark_width if column.name == "name" else 0)
            self._table.add_column(Text(column.name), width=width)
        for row in self._shown:
            self._table.add_row(*(Text(self._cell(row, column), no_wrap=True) for column in self._columns))
        names = [row.recording.name for row in self._shown]
        self._table.move_cursor(row=names.index(selected) if selected in names else 0)
        self._message_row = self._selected
        self._draw()

    @property
    def _mark_width(self) -> int:
        """The cells that marks take in front of the names."""
        return 2 if self._state.marked else 0

    def _cell(self, row: Row, column: Column) -> str:
        """A cell of a row; a marked one has a mark before its name."""
        if column.name != "name" or not self._state.marked:
            return row.cells[column.name]
        mark = self.make_theme().glyphs.symbol(0) if row.recording.name in self._state.marked else " "
        return f"{mark} {row.cells[column.name]}"

    def _draw(self) -> None:
        width, theme, recording = self.size.width, self.make_theme(), self._selected
        total, height = len(self._rows), max(1, min(_MAX_DETAILS, self.size.height // _DETAILS_SHARE))
        self._title.show([title(str(self._home), len(self._shown), total, self._state.filter, width, theme)])
        lines = details(recording.recording if recording else None, width, height, theme)
        self._details.styles.height = len(lines)
        self._details.show(lines)
        message, style = self._message or self._remark(), theme.alert if self._alert else theme.text
        self._message_line.show([bar([Part(message, style)], [], width, theme)])
        self._keys.show([keys(self._asking, width, theme)])

    def _remark(self) -> str:
        """What is to be said about the list or the selected recording."""
        if row := self._selected:
            return LEGEND.get(row.recording.overview.changed, "")
        return "nothing matches the filter" if self._rows else "no runs here"

    @on(DataTable.RowHighlighted)
    def _highlight(self) -> None:
        # Textual also reports the row of a list that was filled again, after what was said about it.
        if self._selected is not self._message_row:
            self._message, self._alert, self._message_row = "", False, self._selected
        # A new name is for the recording that was selected when it was asked for.
        if self._asking == "new name" and self._selected is not self._named:
            self._close_prompt()
        self._draw()

    async def on_click(self, event: events.Click) -> None:
        """Do what the clicked key of the key line does."""
        if event.widget is not self._keys or self._asking:
            return
        if key := key_at(event.x, {}, self.size.width, self.make_theme(), keys=KEYS):
            await self.run_action(key.action)

    @on(DataTable.RowSelected)
    def action_open(self) -> None:
        """Open the selected recording."""
        if self._selected:
            self.opened = self._selected.recording.folder
            self.exit(0, return_code=0)

    def say(self, message: str, *, alert: bool = False) -> None:
        """Show a message until another recording is selected."""
        self._message, self._alert, self._message_row = message, alert, self._selected
        self._draw()

    # Comparing

    def action_mark(self) -> None:
        """Mark the selected run, or unmark it."""
        if (row := self._selected) is None:
            return
        if not isinstance(row.recording.folder, RunFolder):
            self.say("a sweep cannot be compared with runs: enter shows its results", alert=True)
            return
        name, marked = row.recording.name, self._state.marked
        marked = tuple(one for one in marked if one != name) if name in marked else (*marked, name)
        self._state = replace(self._state, marked=marked)
        place = self._table.cursor_row
        self._fill()
        self._table.move_cursor(row=min(place + 1, len(self._shown) - 1))
        self.say(f"{number_of(len(marked), 'run')} marked. c: compare" if marked else "")

    def action_compare(self) -> None:
        """Compare the marked runs, in the order in which they were marked."""
        folders = {row.recording.name: row.recording.folder for row in self._rows}
        found = [folder for name in self._state.marked if isinstance(folder := folders.get(name), RunFolder)]
        if len(found) < 2:
            self.say("mark two runs or more with space, then compare them", alert=True)
            return
        self.compared = found
        self.exit(0, return_code=0)

    # The prompt

    def action_ask_filter(self) -> None:
        """Filter the list while the user types."""
        self._ask("filter", self._state.filter, "words that must occur: mnist relu changed")

    def action_ask_name(self) -> None:
        """Ask for a new name of the selected recording."""
        if self._selected:
            self._named = self._selected
            self._ask("new name", self._selected.recording.name, "")

    def _ask(self, what: str, value: str, placeholder: str) -> None:
        self._asking = what
        self._label.update(f"{what}: ")
        self._input.placeholder, self._input.value = placeholder, value
        self._prompt.display, self._message_line.display = True, False
        self._input.focus()
        self._draw()

    def action_close_prompt(self) -> None:
        """Close the prompt, and clear the filter."""
        if self._asking != "new name" and self._state.filter:
            self._set_filter("")
        self._close_prompt()

    def _close_prompt(self) -> None:
        self._asking = ""
        self._prompt.display, self._message_line.display = False, True
        self._table.focus()
        self._draw()

    @on(Input.Changed)
    def _type(self, event: Input.Changed) -> None:
        if self._asking == "filter":
            self._set_filter(event.value)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        asked = self._asking
        self._close_prompt()
        if asked == "new name":
            self._try(lambda row: self._rename(row, event.value))

    def _set_filter(self, text: str) -> None:
        self._state, self._message, self._alert = replace(self._state, filter=text), "", False
        self._fill()

    # Renaming and deleting

    def _try(self, act: Callable[[Row], None]) -> None:
        """Do something to the selected recording; show the error if it fails."""
        if row := self._selected:
            try:
                act(row)
            except ClipwatchError as error:
                self.say(str(error), alert=True)

    def _rename(self, row: Row, name: str) -> None:
        path = rename(row.recording.folder, name)
        folder = replace(row.recording.folder, path=path)
        renamed = Row(replace(row.recording, folder=folder), ascii=self.ascii)
        self._rows = [renamed if one.recording is row.recording else one for one in self._rows]
        marked = tuple(name if one == row.recording.name else one for one in self._state.marked)
        self._state = replace(self._state, marked=marked)
        self._fill(name)

    def action_ask_delete(self) -> None:
        """Ask whether to delete the selected recording."""
        self._try(self._ask_delete)

    def _ask_delete(self, row: Row) -> None:
        question = DeleteQuestion(row.recording, deletable(row.recording.folder))
        self.push_screen(question, lambda yes: self._try(lambda _: self._delete(row)) if yes else None)

    def _delete(self, row: Row) -> None:
        place = self._table.cursor_row
        delete(row.recording.folder)
        self._rows = [one for one in self._rows if one.recording is not row.recording]
        marked = tuple(name for name in self._state.marked if name != row.recording.name)
        self._state = replace(self._state, marked=marked)
        self._fill()
        self._table.move_cursor(row=min(place, len(self._shown) - 1))
        self.say(f"deleted {row.recording.name}")

    # The program itself

    def action_show_help(self) -> None:
        """Explain the list and its keys."""
        self.push_screen(HelpScreen({}, keys=KEYS, about=_ABOUT, mouse=_MOUSE))

    def action_leave(self) -> None:
        """Quit."""
        self.exit(0, return_code=0)

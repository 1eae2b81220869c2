"""The main screen: title, lanes, charts, status line and key line, and the keys that change only the view."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.screen import Screen
from textual.strip import Strip

from ...core.stream.lane_config import LaneConfig
from ...core.stream.lane_differences import reference_lane
from ...core.stream.lane_state import LaneState
from ...core.stream.rules import parse_rule
from ..style.theme import Theme
from ..terminal.once import call_once
from ..text.lane_names import lane_names
from ..text.status_messages import NOT_STARTED, end_texts, has_ended
from ..text.summary import lane_summary
from ..view.charted import ChartedRun
from ..view.fork_choices import ForkField
from ..view.key import Phase
from ..view.key_line import key_at, key_line, phase_of
from ..view.keys import KEYS, keys_for
from ..view.metrics import Metric
from ..view.requests import Requests
from ..view.rule_choices import RuleField
from ..view.run_view import RunView
from ..view.status_line import status
from ..view.title import stages, title
from ..view.welcome import welcome
from ..widgets.chart_mouse import ChartGesture
from ..widgets.charts_panel import ChartsPanel
from ..widgets.diagnostics_panel import DiagnosticsPanel
from ..widgets.lanes_row import LanesRow
from ..widgets.lines import Lines
from ..widgets.rule_prompt import RulePrompt
from ..widgets.scrolling import ScrollingWidget
from .grid import GridScreen
from .question import Question

MIN_SIZE = (60, 16)
# Seconds that an answer to a key stays in the status line after the end of a run, before its result returns.
ANSWER_SECONDS = 10.0


class MainScreen(Screen[None]):
    """Draws a `RunView`. It binds the keys, so that they do not act while another screen is open."""

    DEFAULT_CSS = """
    MainScreen { layout: vertical; }
    MainScreen .bar { height: 1; background: $panel; }
    MainScreen #charts { height: 1fr; }
    MainScreen #diagnostics { display: none; height: 1fr; background: $surface; }
    MainScreen.-diagnosing #diagnostics { display: block; }
    MainScreen.-diagnosing #lanes, MainScreen.-diagnosing #charts { display: none; }
    MainScreen #welcome { display: none; height: 1fr; background: $surface; }
    MainScreen.-welcoming #welcome { display: block; }
    MainScreen.-welcoming #lanes, MainScreen.-welcoming #charts { display: none; }
    MainScreen #too-small { display: none; height: 100%; background: $surface; }
    MainScreen.-small .part { display: none; }
    MainScreen.-small #too-small { display: block; }
    """
    BINDINGS = [key.binding for key in KEYS]  # noqa: RUF012
    # Textual would select across lanes that are side by side; `LogPane` selects within its own lines.
    ALLOW_SELECT = False
    # Only the prompt for a rule has the focus, while it is open.
    AUTO_FOCUS = ""

    def __init__(
        self,
        view: RunView,
        requests: Requests,
        theme: Theme,
        keymap: Mapping[str, str],
        metrics: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._view, self._requests, self._keymap = view, requests, keymap
        self.theme = theme
        self._messages: Sequence[str]
        self._messages, self._alert = (
            ("Preparing the run. ?: all keys, and how to read the screen", "Preparing the run"),
            False,
        )
        # When each stage of the preparation began.
        self._stages: dict[str, float] = {}
        self._charts = ChartsPanel(ChartedRun(view), theme, metrics, id="charts", classes="part")
        self._title, self._status, self._keys = (Lines(classes="bar part") for _ in range(3))
        self._diagnostics = DiagnosticsPanel(id="diagnostics", classes="part")
        self._prompt = RulePrompt(classes="part")
        # The number of the lane that the prompt forks; None: it is about the selected lane.
        self._prompt_is_for: int | None = None
        self._keys_drawn_for: tuple[int, Theme, Phase] | None = None
        self._too_small = Lines(id="too-small")
        self._welcome = Lines(id="welcome", classes="part")
        self._lanes = LanesRow(view, id="lanes", classes="part")
        # The grid of all charts, while it covers this screen.
        self._grid: GridScreen | None = None
        self._end_again: asyncio.TimerHandle | None = None

    def compose(self) -> ComposeResult:
        """All parts, from top to bottom."""
        yield self._too_small
        yield self._title
        yield self._welcome
        yield self._lanes
        yield self._charts
        yield self._diagnostics
        yield self._prompt
        yield self._status
        yield self._keys

    def on_resize(self, event: events.Resize) -> None:
        """Lay out the lanes again, or say that the terminal is too small."""
        self.set_class(event.size.width < MIN_SIZE[0] or event.size.height < MIN_SIZE[1], "-small")
        self._lanes.place()
        self._charts.fit(event.size.height)
        self.call_after_refresh(self.draw)

    @property
    def laid_out(self) -> bool:
        """Whether the last drawing used final sizes."""
        return self.has_class("-small") or self.diagnosing or self._lanes.laid_out

    @property
    def diagnosing(self) -> bool:
        """Whether the diagnostics are shown instead of lanes and charts."""
        return self.has_class("-diagnosing")

    def name_of(self, lane: LaneState) -> str:
        """A lane's name on the screen."""
        return lane_names(self._view.state.lanes).get(lane.name, lane.name)

    @property
    def selected(self) -> LaneState | None:
        """The lane that the clipping keys act on."""
        return self._lanes.selected

    def welcome(self) -> None:
        """Say what there will be to see, until a run begins."""
        self.add_class("-welcoming")

    def begin_with(self, messages: Sequence[str]) -> None:
        """What the status line says until something else is said, in forms from long to short."""
        self._messages = messages

    def add_lanes(self, *, select: bool = False) -> None:
        """Create panels for lanes that have begun later than the others, and `select` the last of them.

        An open prompt stays with its lane.
        """
        if self._lanes.add_panels():
            if select and not self._prompt.is_open:
                self._lanes.select(self._lanes.count - 1)
                self._name_prompted_lane()
            self.call_after_refresh(self.draw)

    def begin_run(self) -> None:
        """Create a panel per lane of a new run, and select the first lane that is clipped."""
        self.remove_class("-welcoming")
        if self._lanes.begin_run():
            self.call_after_refresh(self.draw)
        self._name_prompted_lane()
        self._charts.begin_run()

    def say(self, message: str, *shorter: str, alert: bool = False) -> None:
        """Show a message in the status line now; of several texts, the first that fits."""
        self._messages, self._alert = (message, *shorter), alert
        self._charts.yield_to_response()
        self._draw_status()
        if self._end_again:
            self._end_again.cancel()
        if has_ended(self._view.state) and not alert:
            self._end_again = call_once(self, ANSWER_SECONDS, self.say_the_end)
        if self._grid:
            self._grid.say(message, alert=alert)

    def say_the_end(self) -> None:
        """Show how the run ended again, after an answer to a key has been read."""
        if has_ended(self._view.state) and not self._prompt.is_open and not self._alert:
            self._messages = end_texts(self._view.state)
            self._draw_status()

    def prompt_for_rule(self, rule: str, use: Callable[[LaneState, str], None]) -> None:
        """Prompt for a rule for the selected lane, whose rule is `rule`, and pass it to `use` if it is accepted."""

        def accept(text: str) -> None:
            # Another lane may have been selected meanwhile.
            if lane := self.selected:
                use(lane, str(parse_rule(text)))

        if self.selected:
            self._prompt_is_for = None
            self._prompt.open(RuleField(rule), self.size.height, accept)
            self._name_prompted_lane()
            self.say("enter: apply · tab: complete · up, down: pick · escape: close", "enter: apply · escape: close")

    def prompt_for_fork(self, field: ForkField, use: Callable[[LaneConfig], None]) -> None:
        """Prompt for a fork of the selected lane, and pass the new lane to `use` if it is accepted."""
        if self.selected:
            self._prompt_is_for = self._lanes.number
            self._prompt.open(field, self.size.height, lambda text: use(field.read(text)))
            self._name_prompted_lane()
            keys = f"{field.enter} · tab: complete · up, down: pick a rule"
            self.say(
                f"{keys} · end, then ,lr=0.01: another learning rate · escape: close",
                f"{field.enter} · NAME=RULE,lr=0.01 · escape: close",
                f"{field.enter} · NAME=RULE,lr=X",
            )

    def ask(self, question: Question, act: Callable[[], None]) -> None:
        """Ask a question, and act if the answer is yes."""
        self.app.push_screen(question, lambda yes: act() if yes else None)

    def _name_prompted_lane(self) -> None:
        """Say which lane the prompt is about: the selected one, or the one that is forked."""
        number = self._lanes.number if self._prompt_is_for is None else self._prompt_is_for
        lanes = list(self._view.state.lanes.values())
        if number < len(lanes):
            self._prompt.show_lane(f"{self.theme.glyphs.symbol(number)} {self.name_of(lanes[number])}")

    # Drawing

    def draw(self, *, charts: bool = True) -> None:
        """Draw everything; the charts follow soon after. While the grid of charts covers it, draw that instead."""
        if self._grid:
            if charts:
                self._grid.draw(self.theme)
            return
        if self.has_class("-small"):
            needs, have = "{} x {}".format(*MIN_SIZE), f"{self.size.width} x {self.size.height}"
            lines = [f" clipwatch needs {needs};", f" this terminal has {have}.", " q: quit"]
            self._too_small.show([Strip([Segment(line, self.theme.text)]) for line in lines])
            return
        width, theme = self.size.width, self.theme
        self.draw_title()
        phase = phase_of(self._view.state)
        if self._keys_drawn_for != (width, theme, phase):
            self._keys_drawn_for = (width, theme, phase)
            self._charts.yield_to_response()
            self._keys.show([key_line(self._keymap, width, theme, phase=phase, keys=keys_for(self._view.state))])
        self._draw_status()
        if self.has_class("-welcoming"):
            self._welcome.show(welcome(self._keymap, width, self.size.height - 3, theme))
        if self.diagnosing:
            self._diagnostics.show_state(self._view.state, self._lanes.number, theme, self._view.history)
        self._lanes.draw(theme)
        if charts:
            self._charts.draw_soon(theme)

    def draw_at_once(self) -> None:
        """Draw everything now, charts included."""
        self.draw(charts=False)
        self._charts.draw(self.theme)

    def draw_title(self) -> None:
        """Draw only the title, which counts seconds before the run starts."""
        now = time.monotonic()
        self._stages = {stage: self._stages.get(stage, now) for stage in stages(self._view.state)}
        line = title(
            self._view,
            self.size.width,
            self.theme,
            next_settings=self._requests.next_settings,
            waited={stage: now - since for stage, since in self._stages.items()},
            # The diagnostics show other lanes, and say so themselves.
            visible=range(0) if self.diagnosing else self._lanes.shown,
        )
        self._title.show([line])

    def _draw_status(self) -> None:
        pair = self._compared_pair()
        width = self.size.width
        message = next((text for text in self._messages if cell_len(text) + 2 <= width), self._messages[-1])
        at, alert = self._charts.cursor, self._alert
        line = status(message, alert=alert, view=self._view, pair=pair, width=width, theme=self.theme, at=at)
        self._status.show([line])

    def _compared_pair(self) -> tuple[str, str] | None:
        """The lanes whose difference the status line shows: the selected one and the one that it is compared with."""
        state, names = self._view.state, list(self._view.state.lanes)
        if self.selected and (reference := reference_lane(state, self.selected.name)) in state.lanes:
            return reference or names[0], self.selected.name
        return (names[0], names[1]) if len(names) > 1 else None

    # Keys

    def _has_lanes(self) -> bool:
        """Whether lanes have started; if not, the status line says so."""
        if not self._lanes.count:
            self.say(NOT_STARTED)
        return self._lanes.count > 0

    def action_focus_lane(self) -> None:
        """Select the next lane."""
        if self._has_lanes():
            self._select((self._lanes.number + 1) % self._lanes.count)

    def _select(self, number: int) -> None:
        self._lanes.select(number)
        self._name_prompted_lane()
        if self.selected:
            selected = f"Selected {self.name_of(self.selected)}"
            keys = "c: clip on/off · [ ]: bound · b: rule"
            with_keys = f"{selected}. {keys} · {{ }}: learning rate · F: fork", f"{selected}. {keys}"
            # These keys do nothing to a lane that has ended.
            self.say(*(() if self.selected.ended else with_keys), selected)
        self.draw(charts=False)

    def action_diagnostics(self) -> None:
        """Toggle between the diagnostics and the lanes with their charts."""
        if not self.diagnosing and not self._has_lanes():
            return
        self.toggle_class("-diagnosing")
        if self.diagnosing:
            keys = "?: glossary · d: back"
            self.say(f"Diagnostics: what clipping does, layer by layer. {keys}", f"Diagnostics. {keys}")
        else:
            self.say("Lanes and charts")
        self.call_after_refresh(self.draw)

    def action_change_charts(self, key: str) -> None:
        """Change a setting of the charts and say so; in the diagnostics, escape closes them instead."""
        if not self._has_lanes():
            return
        if key == "cursor_off" and self.diagnosing:
            self.action_diagnostics()
        else:
            self.say(self._charts.keys[key]())

    def action_all_charts(self) -> None:
        """Show a chart of every series, from which one can be moved to the left."""
        if not self._has_lanes() or self.app.screen is not self:
            return

        def accept(metric: Metric | None) -> None:
            self._grid = None
            if metric:
                self.say(self._charts.show_left(metric))
            self.draw()

        self._grid = GridScreen(self._view, self.theme, self._charts, self._keymap)
        self.app.push_screen(self._grid, accept)

    def action_show_logs(self) -> None:
        """Hide the logs, which gives their lines to the charts, or show them again."""
        self.say("Logs shown" if self._lanes.toggle_logs() else "Logs hidden. L: show them")
        self.call_after_refresh(self.draw)

    def action_log_up(self) -> None:
        """Scroll up the selected lane's log, or the diagnostics."""
        self._scroll_log(lambda log: log.page_up())

    def action_log_down(self) -> None:
        """Scroll down the selected lane's log, or the diagnostics."""
        self._scroll_log(lambda log: log.page_down())

    def action_log_end(self) -> None:
        """Scroll to the end of the selected lane's log, or of the diagnostics."""
        self._scroll_log(lambda log: log.to_end())

    def _scroll_log(self, act: Callable[[ScrollingWidget], None]) -> None:
        if self.diagnosing:
            act(self._diagnostics)
        elif self._lanes.selected_log:
            act(self._lanes.selected_log)

    # The mouse

    def on_log_pane_text_selected(self) -> None:
        """Say what can be done with text that was selected in a log."""
        self.say("Selected. ctrl+c: copy · escape: clear")

    def text_to_copy(self) -> tuple[str, str]:
        """What is copied, in words, and its text: the selection, or what the pointer is on, or the selected lane."""
        if text := self.get_selected_text():
            return "selection", text
        number, line = self._lanes.pointed or (self._lanes.number, None)
        return ("log line", line) if line else ("summary", lane_summary(self._view.state, number))

    async def on_click(self, event: events.Click) -> None:
        """Do what the clicked key of the key line does, or select the lane whose diagnostics were clicked."""
        if event.widget is self._keys:
            await self._press_key_at(event.x)
        elif event.widget is self._diagnostics:
            self._select_clicked(self._diagnostics.lane_at(event.x))

    def on_lanes_row_clicked(self, event: LanesRow.Clicked) -> None:
        """Select the lane that was clicked."""
        self._select_clicked(event.number)

    def _select_clicked(self, number: int | None) -> None:
        # A click also ends the selection of text in a log.
        if number is not None and number != self._lanes.number and not self.selections:
            self._select(number)

    async def _press_key_at(self, column: int) -> None:
        phase = phase_of(self._view.state)
        if key := key_at(
            column, self._keymap, self.size.width, self.theme, phase=phase, keys=keys_for(self._view.state)
        ):
            await self.run_action(key.action)

    def on_chart_gesture(self, event: ChartGesture) -> None:
        """Pass the mouse on to the charts. The status line shows the difference at the step under the pointer."""
        before = self._charts.cursor
        if message := self._charts.respond(event.gesture):
            self.say(message)
        elif self._charts.cursor != before:
            self._draw_status()

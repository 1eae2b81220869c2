"""The screen of `clipwatch`: what keys do with the program itself, over one that steers an engine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from ..screens.figures import FiguresScreen
from ..screens.help import HelpScreen
from ..screens.quit_question import QuitQuestion
from ..style.theme import THEMES
from ..view.keys import KEYS
from .steering import SteeringApp


class ClipwatchApp(SteeringApp):
    """Offers every key in the command palette; help, pictures and themes; the way out."""

    TITLE = "clipwatch"
    BINDINGS: ClassVar = [Binding("ctrl+c", "quit", show=False, priority=True)]

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: every key, by what it does."""
        for key in KEYS:
            yield SystemCommand(key.label, key.tooltip, lambda action=key.action: self.run_action(action, self.main))

    def action_picture(self) -> None:
        """Save the screen as SVG: here, or where the browser keeps its downloads."""
        # To the microsecond, for pictures in quick succession.
        name = f"clipwatch-{datetime.now():%Y%m%d-%H%M%S-%f}.svg"
        picture = self.export_screenshot(title="clipwatch")
        if self.is_web:
            self.deliver_text(StringIO(picture), save_filename=name, encoding="utf-8", mime_type="image/svg+xml")
            self.main.say(f"the browser downloads {name}")
            return
        try:
            Path(name).write_text(picture, encoding="utf-8")
        except OSError as error:
            self.main.say(f"no picture: {name}: {error.strerror}", alert=True)
            return
        self.main.say(f"saved {Path(name).resolve()}")

    def action_next_theme(self) -> None:
        """The next theme."""
        place = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(place + 1) % len(THEMES)]
        self.main.say(f"theme {self.theme}")

    def action_show_help(self) -> None:
        """Every key and what is seen; over the diagnostics, what their figures mean."""
        self.push_screen(FiguresScreen(ascii=self._ascii) if self.main.diagnosing else HelpScreen(self._remapped))

    async def action_quit(self) -> None:
        """Leave; ask first if a run would be lost, which a recorded one is not."""
        under_way = any(not lane.ended for lane in self.view.state.lanes.values())
        kept = self.view.state.replay or self.view.state.recorded_in
        if kept or not under_way or self.main.ended or isinstance(self.screen, QuitQuestion):
            self.leave(failed=bool(self.main.ended) or self.view.state.failed)
        else:
            self.push_screen(QuitQuestion(), lambda leave: self.leave(failed=False) if leave else None)

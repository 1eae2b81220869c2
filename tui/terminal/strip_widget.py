"""Base class of widgets that render their own strips."""

from __future__ import annotations

from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class StripWidget(Widget):
    """Shows the strips that `paint` returns, without border, padding or opacity: a fifth of the cost of `Widget`."""

    # Textual could not find the text under the mouse in these strips.
    ALLOW_SELECT = False

    def paint(self, first: int, last: int) -> list[Strip]:
        """The lines from `first` up to but not including `last`, each as wide as the widget."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """One line as a strip."""
        return self.paint(y, y + 1)[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines of a region of the widget."""
        strips = self.paint(crop.y, crop.bottom)
        for line_filter in self.get_line_filters():
            # The theme has resolved its colours already, and the terminal's ANSI colours must stay as they are.
            if not isinstance(line_filter, ANSIToTruecolor):
                background = self.background_colors[1]
                strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

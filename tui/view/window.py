"""Which steps the charts show (zoom, pan, and following the run's end), and which lanes there is room for."""

from __future__ import annotations

from dataclasses import dataclass

# The fewest steps a chart shows, and that an empty one starts with; in fewer than these nothing is gained by leaps.
NARROWEST = 20
EMPTY = 100
# A window that follows is drawn in leaps of this share of its width, or twice that where it holds the whole run.
LEAP = 1 / 8


@dataclass(frozen=True)
class Window:
    """A window of `span` steps (None: the whole run) that ends at `end` (None: at the run's newest step)."""

    span: int | None = None
    end: int | None = None

    def steps(self, newest: int) -> tuple[int, int]:
        """First and last step in sight, given the newest there is."""
        if self.span is None:
            return 0, max(newest, EMPTY)
        last = max(newest if self.end is None else self.end, self.span)
        return last - self.span, last

    def drawn(self, newest: int, final: int) -> tuple[int, int]:
        """First and last step to draw, of a run that will end at the step `final`.

        At the end a window that follows shows room for steps to come, so that its columns stand still until these
        are there; but not for more than there will be.
        """
        first, last = self.steps(newest)
        if self.end is not None or last > newest or last - first < EMPTY:
            return first, last
        leap = max(1, int(LEAP * (self.span or 1 << newest.bit_length())))
        room = min(-(-newest // leap) * leap, max(newest, final)) - newest
        return first + room if self.span else first, last + room

    def zoomed(self, factor: float, newest: int) -> Window:
        """A window of so many times the steps around the same middle; one that holds the whole run follows it."""
        first, last = self.steps(newest)
        span = max(NARROWEST, round((last - first) * factor))
        if span >= max(newest, EMPTY):
            return Window()
        if self.end is None:
            return Window(span)
        middle = (first + last) // 2
        end = max(span, middle + span // 2)
        return Window(span) if end >= newest else Window(span, end)

    def panned(self, share: float, newest: int) -> Window:
        """Moved by a share of its width; at the run's end it follows again. The whole run has nowhere to move."""
        if self.span is None:
            return self
        _, last = self.steps(newest)
        end = last + round(self.span * share)
        return Window(self.span) if end >= newest else Window(self.span, max(self.span, end))

    def showing(self, step: int, newest: int, final: int) -> Window:
        """One that has a step in sight for good, moved no further than it must be; the whole run always has it."""
        if self.span is None:
            return self
        _, last = self.drawn(newest, final)
        return Window(self.span, min(max(step, last), step + self.span))


WHOLE_RUN = Window()


def lanes_in_sight(selected: int, count: int, room: int) -> range:
    """So many of the lanes as there is room for, at least one, the selected one among them."""
    fitting = min(count, max(1, room))
    first = min(max(0, selected - fitting + 1), count - fitting)
    return range(first, first + fitting)

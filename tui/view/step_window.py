"""The window of steps in the charts (zoom, pan, follow), and which lanes fit on the screen."""

from __future__ import annotations

from dataclasses import dataclass

# The narrowest window.
MIN_SPAN = 20
# The width that a lane's heading needs without cutting a number. Lanes of which some are hidden get more each.
MIN_LANE_WIDTH, WIDTH_IF_HIDDEN = 30, 40
# The window of an empty chart. Narrower windows follow step by step, without jumps.
EMPTY_SPAN = 100
# A following window moves by jumps of this fraction of its width (up to twice that if it shows the whole run).
JUMP = 1 / 8


@dataclass(frozen=True)
class Window:
    """A window of `span` steps (None: the whole run) that ends at `end` (None: it follows the newest step)."""

    span: int | None = None
    end: int | None = None

    def steps(self, newest: int) -> tuple[int, int]:
        """The first and last step of the window, given the newest step."""
        if self.span is None:
            return 0, max(newest, EMPTY_SPAN)
        last = max(newest if self.end is None else self.end, self.span)
        return last - self.span, last

    def steps_to_draw(self, newest: int, final: int) -> tuple[int, int]:
        """The first and last step to draw, in a run that ends at step `final`.

        A following window leaves room on the right, at most up to `final`, so that its columns move only when that
        room is used up.
        """
        first, last = self.steps(newest)
        if self.end is not None or last > newest or last - first < EMPTY_SPAN:
            return first, last
        jump = max(1, int(JUMP * (self.span or 1 << newest.bit_length())))
        room = min(-(-newest // jump) * jump, max(newest, final)) - newest
        return first + room if self.span else first, last + room

    def zoomed(self, factor: float, newest: int) -> Window:
        """The window with its span multiplied by `factor` around the same middle; the whole run is followed."""
        first, last = self.steps(newest)
        span = max(MIN_SPAN, round((last - first) * factor))
        if span >= max(newest, EMPTY_SPAN):
            return Window()
        if self.end is None:
            return Window(span)
        middle = (first + last) // 2
        end = max(span, middle + span // 2)
        return Window(span) if end >= newest else Window(span, end)

    def panned(self, share: float, newest: int) -> Window:
        """The window moved by `share` of its span; it follows again at the newest step. The whole run does not move."""
        if self.span is None:
            return self
        _, last = self.steps(newest)
        end = last + round(self.span * share)
        return Window(self.span) if end >= newest else Window(self.span, max(self.span, end))

    def scrolled_to(self, step: int, newest: int, final: int) -> Window:
        """A fixed window that contains `step`, moved as little as possible; the whole run contains every step."""
        if self.span is None:
            return self
        _, last = self.steps_to_draw(newest, final)
        return Window(self.span, min(max(step, last), step + self.span))


WHOLE_RUN = Window()


def visible_lanes(selected: int, count: int, room: int) -> range:
    """The lanes to show when `room` of them fit: at least one, always including the selected one."""
    fitting = min(count, max(1, room))
    first = min(max(0, selected - fitting + 1), count - fitting)
    return range(first, first + fitting)


def lanes_in(width: int, count: int) -> int:
    """How many of `count` lanes stand side by side in `width` cells."""
    return count if count * MIN_LANE_WIDTH <= width else width // WIDTH_IF_HIDDEN

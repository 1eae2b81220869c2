"""The window of steps in the charts (zoom, pan, follow), and which lanes fit on the screen."""

from __future__ import annotations

from dataclasses import dataclass

# The narrowest window.
MIN_SPAN = 20
# The width that a lane's heading needs without cutting a number. Lanes of which some are hidden get more each.
MIN_LANE_WIDTH, WIDTH_IF_HIDDEN = 30, 40
# The window of an empty chart. Narrower windows follow step by step, without jumps.
EMPTY_SPAN = 100
# A following window moves by jumps of this fraction of its width, up to twice that where it ends at round steps.
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
        jump = max(1, int(JUMP * self.span)) if self.span else _round_jump(newest)
        room = min(-(-newest // jump) * jump, max(newest, final)) - newest
        return first + room if self.span else first, last + room

    def zoomed(self, factor: float, newest: int, around: int | None = None) -> Window:
        """The window with its span multiplied by `factor`; the whole run is followed.

        The step `around` keeps its place. Without one it is the middle, or the end of a window that follows.
        """
        first, last = self.steps(newest)
        span = max(MIN_SPAN, round((last - first) * factor))
        if span >= max(newest, EMPTY_SPAN):
            return Window()
        if around is None and self.end is None:
            return Window(span)
        if around is None:
            around = (first + last) // 2
        return _ending_at(around + round(span * (last - around) / (last - first)), span, newest)

    def panned(self, share: float, newest: int) -> Window:
        """The window moved by `share` of its span; it follows again at the newest step. The whole run does not move."""
        if self.span is None:
            return self
        _, last = self.steps(newest)
        return _ending_at(last + round(self.span * share), self.span, newest)

    def scrolled_to(self, step: int, newest: int, final: int) -> Window:
        """A fixed window that contains `step`, moved as little as possible; the whole run contains every step."""
        if self.span is None:
            return self
        _, last = self.steps_to_draw(newest, final)
        return Window(self.span, min(max(step, last), step + self.span))


def between(first: int, last: int, newest: int) -> Window:
    """The window of these steps; it follows if they include the newest one."""
    return _ending_at(max(last, first + MIN_SPAN), max(last - first, MIN_SPAN), newest)


def _ending_at(end: int, span: int, newest: int) -> Window:
    return Window(span) if end >= newest else Window(span, max(span, end))


def _round_jump(newest: int) -> int:
    """An eighth to a quarter of `newest`: 25 from step 100 on, 50 from 200, 100 from 400, 200 from 800, and so on."""
    power = 10 ** (len(str(newest)) - 1)
    jumps = {2: power // 4, 4: power // 2, 8: power, 10: 2 * power}
    return next(jump for below, jump in jumps.items() if newest < below * power)


WHOLE_RUN = Window()


def visible_lanes(selected: int, count: int, room: int) -> range:
    """The lanes to show when `room` of them fit: at least one, always including the selected one."""
    fitting = min(count, max(1, room))
    first = min(max(0, selected - fitting + 1), count - fitting)
    return range(first, first + fitting)


def lanes_in(width: int, count: int) -> int:
    """How many of `count` lanes stand side by side in `width` cells."""
    return count if count * MIN_LANE_WIDTH <= width else width // WIDTH_IF_HIDDEN

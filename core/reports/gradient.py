"""The part of a report on the gradient's norm over the steps and on what was clipped when."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..runs.lane_steps import LaneSteps
from .blocks import Block, Bullets, Paragraph, Picture
from .figures import marks_caption
from .gradient_figure import gradient_figure
from .phrases import Phrase, Words
from .run_summary import LaneSummary, RunSummary


def gradient(run: RunSummary, words: Words, name: str) -> Iterator[Block]:
    """The norm of the gradient in words and in a figure. `name` is the prefix of the names of pictures.

    A recording without every step has the norms that were measured at some evaluations, or none.
    """
    lanes = [lane for lane in run.lanes if lane.steps or lane.measured]
    if not lanes:
        return
    if bullets := tuple(_sentence(lane, lane.steps, words) for lane in lanes if lane.steps):
        yield Paragraph(words("gradient_text"))
        yield Bullets(bullets)
    else:
        yield Paragraph(words("gradient_unrecorded"))
    caption = words("caption_gradient" if bullets else "caption_gradient_measured", marks=marks_caption(run, words))
    figure = f"{name}gradient"
    yield Picture(figure, gradient_figure(run, words, figure), caption, "tall")


def _sentence(lane: LaneSummary, steps: LaneSteps, words: Words) -> Phrase:
    """Median, 95th percentile and maximum of the norms, and the share of steps clipped."""
    count, finite = len(steps.steps), np.isfinite(steps.norms)
    counts = {
        "lane": lane.name,
        "count": f"{count:,}",
        "clipped": f"{steps.clipped.sum():,}",
        "share": f"{steps.clipped.mean():.1%}",
    }
    if not finite.any():
        return words("gradient_never_finite", **counts)
    own = words.plain("gradient_of_fork", parent=lane.parent, step=lane.forked_at) if lane.parent else ""
    norms = steps.norms[finite].astype(np.float64)
    largest = int(norms.argmax())
    median, high = (f"{value:.3g}" for value in np.percentile(norms, (50, 95)))
    broken = words.plain("gradient_not_finite", count=f"{count - len(norms):,}") if len(norms) < count else ""
    place = {"largest": f"{norms[largest]:.3g}", "step": steps.steps[finite][largest], "broken": broken + own}
    return words("gradient_norms", **counts, median=median, high=high, **place)

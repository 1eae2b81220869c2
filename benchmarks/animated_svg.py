"""Screens as small SVG pictures, and several of them as one that moves.

A picture needs no script, no network and no certain font, so that it plays wherever a page shows images. It moves by
`<animate>`: rows that do not change from one frame to the next are written once, and everything that is visible during
the same times is one group with one animation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate

from screen_rows import Piece, Row, rows_of

FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
# The size of a character cell. Whole numbers make small files.
CELL, LINE, BASELINE, FONT_SIZE = 10, 20, 15, 16.4
# Around the screen: margin, and the bar with the caption.
MARGIN, BAR = 8, 38
# Characters that fill the lower or the left eighths of a cell. Drawn as rectangles they leave no gaps in any font.
_FROM_BELOW = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_FROM_LEFT = "\u258f\u258e\u258d\u258c\u258b\u258a\u2589"


@dataclass(frozen=True)
class Caption:
    """What happens in a frame: the key that is pressed, if one is, and a sentence."""

    text: str
    key: str = ""


@dataclass(frozen=True)
class Frame:
    """A picture of the screen that is shown for `seconds`."""

    rows: tuple[Row, ...]
    caption: Caption
    seconds: float = 1.0


Part = Row | Caption


def still(screenshot: str, title: str) -> str:
    """A picture that does not move."""
    return movie([Frame(rows_of(screenshot), Caption(title))])


def movie(frames: Sequence[Frame], poster: int = 0) -> str:
    """The frames one after another, for ever. A viewer that cannot play them shows the frame `poster`."""
    times = list(accumulate((frame.seconds for frame in frames), initial=0.0))
    shown: defaultdict[Part, list[int]] = defaultdict(list)
    for number, frame in enumerate(frames):
        for part in (*frame.rows, frame.caption):
            shown[part].append(number)
    together: defaultdict[tuple[int, ...], list[Part]] = defaultdict(list)
    for part, numbers in shown.items():
        together[tuple(numbers)].append(part)
    drawing = _Drawing(frames)
    groups = [
        _group(map(drawing.part, parts), numbers, times, visible=poster in numbers)
        for numbers, parts in together.items()
    ]
    return drawing.document("".join(groups))


def _group(parts: Iterable[str], numbers: Sequence[int], times: Sequence[float], *, visible: bool) -> str:
    """The parts that are visible in these frames."""
    content = "".join(parts)
    if len(numbers) == len(times) - 1:
        return f"<g>{content}</g>\n"
    changes = [0, *(number for number in range(1, len(times) - 1) if (number in numbers) != (number - 1 in numbers))]
    values = ";".join("visible" if number in numbers else "hidden" for number in changes)
    starts = ";".join(f"{times[number] / times[-1]:.5g}" for number in changes)
    animation = (
        f'<animate attributeName="visibility" calcMode="discrete" dur="{times[-1]:g}s" repeatCount="indefinite"'
        f' values="{values}" keyTimes="{starts}"/>'
    )
    return f'<g visibility="{"visible" if visible else "hidden"}">{animation}{content}</g>\n'


class _Drawing:
    """Writes parts as SVG. Colours and weights become classes with short names."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        rows = [row for frame in frames for row in frame.rows]
        self._lines = 1 + max(row.number for row in rows)
        self._columns = max(int(block.x + block.width) for row in rows for block in row.blocks)
        self._classes: dict[str, str] = {}

    def part(self, part: Part) -> str:
        return self._caption(part) if isinstance(part, Caption) else self._row(part)

    def _class(self, css: str) -> str:
        return self._classes.setdefault(css, f"c{len(self._classes)}")

    def _row(self, row: Row) -> str:
        # The backgrounds of neighbouring rows overlap by a hair, so that no gap shows at any zoom.
        blocks = (
            f'<rect class="{self._class(f"fill:{block.fill}")}" x="{block.x * CELL}" width="{block.width * CELL}"'
            f' height="{LINE}.2"/>'
            for block in row.blocks
        )
        content = "".join((*blocks, *map(self._piece, row.pieces)))
        return f'<g transform="translate(0,{row.number * LINE})">{content}</g>'

    def _piece(self, piece: Piece) -> str:
        style, x, width = self._class(piece.css), piece.x * CELL, len(piece.text) * CELL
        if piece.text[0] in _FROM_BELOW:
            height = LINE * (1 + _FROM_BELOW.index(piece.text[0])) / 8
            return f'<rect class="{style}" x="{x}" y="{LINE - height:g}" width="{width}" height="{height:g}"/>'
        if piece.text[0] in _FROM_LEFT:
            width = CELL * (1 + _FROM_LEFT.index(piece.text[0])) / 8
            return f'<rect class="{style}" x="{x}" width="{width:g}" height="{LINE}"/>'
        # The distance between characters does not depend on the font.
        length = f' textLength="{width}"' if len(piece.text) > 1 else ""
        text = escape(piece.text, quote=False)
        return f'<text class="{style}" x="{x}" y="{BASELINE}"{length}>{text}</text>'

    def _caption(self, caption: Caption) -> str:
        key, x = "", 76
        if caption.key:
            width = len(caption.key) * CELL + 16
            key = (
                f'<rect class="k" x="{x}" y="-31" width="{width}" height="24" rx="4"/>'
                f'<text class="kt" x="{x + 8}" y="-13">{escape(caption.key)}</text>'
            )
            x += width + 12
        return f'{key}<text class="t" x="{x}" y="-13">{escape(caption.text, quote=False)}</text>'

    def document(self, content: str) -> str:
        """The whole picture around this content."""
        width, height = self._columns * CELL + 2 * MARGIN, self._lines * LINE + BAR + MARGIN
        styles = "".join(f".{name}{{{css}}}" for css, name in self._classes.items())
        lights = "".join(
            f'<circle cx="{12 + 18 * number}" cy="-19" r="6" fill="{colour}"/>'
            for number, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n'
            f"<style>text{{font:{FONT_SIZE}px {FONTS};white-space:pre}}rect{{shape-rendering:crispEdges}}"
            f".b{{fill:#292929;shape-rendering:auto}}.k{{fill:#febc2e;shape-rendering:auto}}"
            f".kt{{fill:#16161d;font-weight:bold}}.t{{fill:#f2f2f4;font-size:18px}}{styles}</style>\n"
            f'<rect class="b" width="{width}" height="{height}" rx="7"/>\n'
            f'<g transform="translate({MARGIN},{BAR})">{lights}\n{content}</g>\n</svg>\n'
        )

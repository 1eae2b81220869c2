"""The pictures of the documents: rows read from a screen, and a movie that shows each frame's rows at its time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from animated_svg import Caption, Frame, movie, still
from hypothesis import given
from hypothesis import strategies as st
from pictures import DOCS, Scene, film, scenes
from rich.console import Console
from screen_rows import SVG, Block, Piece, Row, rows_of

from clipwatch.core.engine.engine import Engine
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.timeline import Timeline
from clipwatch.core.stream.commands import SetClip
from clipwatch.core.stream.config import RunConfig

SIZE = (120, 36)


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    """A short run in which clipping goes off and on."""
    engine = Engine(RunConfig(settings={"dataset": "digits"}, iterations=60, offline=True))
    for rule, step in (("none", 20), ("value:0.001", 40)):
        engine.send(SetClip(lane="clipped", rule=rule, at_step=step))
    return Timeline(EventTable.of(engine.run()))


@pytest.fixture(scope="module")
def frames(timeline: Timeline) -> list[Frame]:
    """A movie of that run with few frames."""
    short = [Scene(max(1.0, one.seconds / 3), one.end, one.key, one.text) for one in scenes(timeline)]
    return asyncio.run(film(timeline, short, SIZE))


def visible_texts(picture: str, time: float | None) -> list[str]:
    """The texts of a picture at a time in seconds; None: in a viewer that plays nothing."""
    root = ElementTree.fromstring(picture)
    return sorted(text for group in root.iter(f"{SVG}g") if is_visible(group, time) for text in own_texts(group))


def is_visible(group: ElementTree.Element, time: float | None) -> bool:
    animation = group.find(f"{SVG}animate")
    if animation is None or time is None:
        return group.get("visibility") != "hidden"
    values, starts = animation.attrib["values"].split(";"), animation.attrib["keyTimes"].split(";")
    share = time / float(animation.attrib["dur"].removesuffix("s"))
    return [value for value, start in zip(values, starts, strict=True) if float(start) <= share][-1] == "visible"


def own_texts(group: ElementTree.Element) -> Iterator[str]:
    """The texts of a group of parts, but not those of the group around all."""
    if "transform" not in group.attrib:
        yield from (text.text or "" for text in group.iter(f"{SVG}text"))


def texts(frame: Frame) -> list[str]:
    shown = [piece.text for row in frame.rows for piece in row.pieces if not "\u2581" <= piece.text[0] <= "\u258f"]
    return sorted([*shown, frame.caption.text, *([frame.caption.key] if frame.caption.key else [])])


def rows(number: int) -> st.SearchStrategy[Row]:
    pieces = st.text("abc", min_size=1, max_size=3).map(lambda text: (Piece(1, text, "fill:#fff"),))
    return pieces.map(lambda found: Row(number, (Block(0, 9, "#000"),), found))


captions = st.sampled_from([Caption("one"), Caption("two", "c")])
FRAMES = st.lists(
    st.builds(Frame, st.tuples(rows(0), rows(1)), captions, st.sampled_from([0.5, 1.0, 3.0])), min_size=1, max_size=6
)


@given(FRAMES)
def test_at_each_time_exactly_the_rows_of_that_frame_are_visible(drawn: list[Frame]) -> None:
    picture, time = movie(drawn), 0.0
    for frame in drawn:
        for share in (0.01, 0.5, 0.99):
            assert visible_texts(picture, time + share * frame.seconds) == texts(frame)
        time += frame.seconds


@given(FRAMES, st.data())
def test_a_viewer_that_plays_nothing_shows_one_frame(drawn: list[Frame], data: st.DataObject) -> None:
    poster = data.draw(st.integers(0, len(drawn) - 1))
    assert visible_texts(movie(drawn, poster), None) == texts(drawn[poster])


@given(FRAMES)
def test_what_does_not_change_is_written_once(drawn: list[Frame]) -> None:
    rows_and_captions = {part for frame in drawn for part in (*frame.rows, frame.caption)}
    # A caption with a key has two texts, and every row has one.
    expected = sum(1 + bool(isinstance(part, Caption) and part.key) for part in rows_and_captions)
    assert movie(drawn).count("<text") == expected


def screenshot(line: str) -> str:
    """A picture as Rich makes it."""
    console = Console(record=True, width=20, file=StringIO(), color_system="truecolor", force_terminal=True)
    console.print(line, highlight=False)
    return console.export_svg(title="x")


def test_rows_are_read_with_place_colour_and_background() -> None:
    found = rows_of(screenshot("[#112233 on #445566]ab  c[/] [bold #ff0000]<d>[/]"))
    bold_red = "fill:#ff0000;font-weight:bold"
    assert found[0] == Row(
        0,
        (Block(0, 5, "#445566"),),
        (
            Piece(0, "ab", "fill:#112233"),
            Piece(4, "c", "fill:#112233"),
            Piece(6, "<d>", bold_red),
        ),
    )


def test_characters_of_other_fonts_are_placed_on_their_own() -> None:
    (row, *_) = rows_of(screenshot("a⠒ ⠒b─┤ ██▌"))
    assert [(piece.x, piece.text) for piece in row.pieces] == [
        (0, "a"),
        (1, "⠒\u2800⠒"),
        (4, "b"),
        (5, "─┤"),
        (8, "██"),
        (10, "▌"),
    ]


def test_blocks_are_drawn_as_rectangles_of_their_size() -> None:
    picture = still(screenshot("[#ffffff on #000000]▂▂▌[/]"), "x")
    found = [element.attrib for element in ElementTree.fromstring(picture).iter(f"{SVG}rect") if "y" in element.attrib]
    assert [(one["x"], one["y"], one["width"], one["height"]) for one in found] == [("0", "15", "20", "5")]
    assert ' x="20" width="5" height="20"/>' in picture


def test_text_keeps_its_length_in_every_font() -> None:
    picture = still(screenshot("[#ffffff on #000000]abc[/]"), "x")
    assert ' textLength="30">abc<' in picture


def test_a_movie_of_a_run_shows_each_key_at_work(frames: list[Frame]) -> None:
    screens: dict[Caption, str] = {}
    for frame in frames:
        screens.setdefault(frame.caption, " ".join(texts(frame)))
    seen = (
        "Keys to try",
        "clipped: every element within",
        "unclipped since step 20",
        "gradient norm",
        "since step 40",
        "completed",
        "elements per bin",
    )
    assert len(screens) == len(seen)
    for (caption, screen), words in zip(screens.items(), seen, strict=True):
        assert words in screen, caption


def test_a_movie_of_a_run_plays_its_frames(frames: list[Frame]) -> None:
    picture, time = movie(frames), 0.0
    for frame in frames:
        assert visible_texts(picture, time + frame.seconds / 2) == texts(frame)
        time += frame.seconds


def test_pictures_do_not_depend_on_the_terminal(timeline: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    for term in ("xterm", "xterm-256color"):
        monkeypatch.setenv("TERM", term)
        monkeypatch.delenv("COLORTERM", raising=False)
        end = Scene(0.1, len(timeline), "", "")
        drawn.append(asyncio.run(film(timeline, [end, replace(end, key="G")], SIZE))[-1])
    assert drawn[0] == drawn[1]


def test_a_movie_fits_on_a_page_and_loads_nothing(frames: list[Frame]) -> None:
    picture = movie(frames)
    assert len(picture) < 400_000
    assert not any(word in picture for word in ("<script", "@import", "@font-face", "url(", "http://www.w3.org/1999"))


@pytest.mark.parametrize("name", ["movie", "screen", "diagnostics", "sweep", "recurrent"])
def test_the_pictures_of_the_documents_are_whole(name: str) -> None:
    path = DOCS / f"{name}.svg"
    picture = path.read_text(encoding="utf-8")
    assert ElementTree.fromstring(picture).tag == f"{SVG}svg"
    assert path.stat().st_size < 2_000_000
    assert "@font-face" not in picture
    assert str(Path.home()) not in picture
    assert ("<animate" in picture) == (name == "movie")


def test_the_recurrent_picture_shows_saturated_units_and_the_larger_gradients_of_the_lane_that_learns() -> None:
    shown = " ".join(visible_texts((DOCS / "recurrent.svg").read_text(encoding="utf-8"), None))
    for words in ("temporal-order", "of units saturated", "gradients vanish", "larger raw ‖g‖", "gradient norm ‖g‖"):
        assert words in shown

"""Names, paths, rules, causes and notices may hold anything: every face shows them as text, and none raises."""

from __future__ import annotations

import asyncio
import html.parser
import io
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import program
import pytest
import recordings
from measured import MEASURE, diagnosed
from rich.cells import cell_len
from test_sweep import DIGITS as SWEPT
from test_sweep import grid, replica, started
from test_sweep_screen import theme

from clipwatch.core.reports.drawing import add_legend, as_svg, drawing_style, new_axes
from clipwatch.core.runs.folder import LaneOutcome, Manifest, RunFolder
from clipwatch.core.safe_text import in_markdown, printable
from clipwatch.core.stream.codec import decode_event, encode, seal
from clipwatch.core.stream.commands import AnyCommand
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import (
    ClipChanged,
    DatasetInfo,
    DownloadProgressed,
    Evaluated,
    Event,
    LaneFailed,
    LaneFinished,
    LanesCompared,
    LaneStarted,
    Notice,
    RecordingStarted,
    RunFinished,
    RunStarted,
    StageStarted,
)
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import Results, SweepFinished
from clipwatch.core.sweeps.comparisons import comparisons, summaries
from clipwatch.tui.cli.main import main
from clipwatch.tui.headless.console import ConsoleSink
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.sweep.console import SweepConsole
from clipwatch.tui.sweep.page import page
from clipwatch.tui.sweep.view import SweepView, status, title
from clipwatch.tui.text.wrapping import wrapped
from clipwatch.tui.view.rule_choices import RuleField
from clipwatch.tui.widgets.rule_prompt import RulePrompt

# What comes from outside, and how it is shown.
TEXTS = {
    "a closing tag": ("[/x]", "[/x]"),
    "a style": ("[red]x[/red]", "[red]x[/red]"),
    "an action": ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
    "an emoji code": (":bug:", ":bug:"),
    "a colour": ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
    "a clipboard write": ("\x1b]52;c;aGk=\x07", r"\x1b]52;c;aGk=\x07"),
    "line ends": ("a\r\nb\nc\td", "a  b c d"),
    "a one-byte CSI": ("\x9b2Jx", r"\x9b2Jx"),
    "a turn of direction": ("\u202eabc", r"\u202eabc"),
    "a line separator": ("a\u2028b", "a b"),
    "a lone surrogate": ("\ud800x", r"\ud800x"),
    "bytes of another encoding": ("\udcd4\udccb", r"\xd4\xcb"),
    "NUL and DEL": ("a\0b\x7f", r"a\x00b\x7f"),
    "wide": ("裁剪", "裁剪"),
    "combining marks": ("e\u0301\u0302x", "e\u0301\u0302x"),
    "an emoji": ("🐞", "🐞"),
    "long": ("x" * 10_000, "x" * 10_000),
    "a script": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "Markdown": ("*a* |b| `c` [d](e) # ~f~ $g$", "*a* |b| `c` [d](e) # ~f~ $g$"),
    "formats": ("{x} %s {0}", "{x} %s {0}"),
    "nothing": ("", ""),
}
every_text = pytest.mark.parametrize(("text", "shown"), TEXTS.values(), ids=TEXTS)


def crafted(text: str, rule: str | None = None) -> list[Event]:
    """A run in which everything that may be any text is this text, but for a `rule` that must be known."""
    data = DatasetInfo(name=text, origin=text, training=10, validation=5, checksum=text)
    config = RunConfig(settings={"dataset": "digits"}, iterations=30)
    run = RunStarted(config=config, dataset=data, device=text, versions={text: text}, time=1.7e9)
    events: list[Event] = [
        StageStarted(stage=text),
        DownloadProgressed(file=text, received=1, total=2),
        Notice(text=text),
        Notice(text=text, level="info"),
        run,
        RecordingStarted(folder=text),
    ]
    names = [lane.name for lane in config.lanes]
    events += [
        LaneStarted(lane=name, step=0, rule="norm:1", iterations=30, parameters=7, seconds=0.0) for name in names
    ]
    for step in (0, 10, 20):
        events += [
            Evaluated(lane=name, step=step, loss=1.0, accuracy=0.5, train_loss=1.0, seconds=1.0) for name in names
        ]
    events += [
        diagnosed("clipped", 20, layers={text: MEASURE}),
        LanesCompared(step=20, lanes=(names[0], names[1]), distance=1.0, disagreement=0.5),
        ClipChanged(lane="clipped", step=25, rule=rule or text, previous=rule or text),
        LaneFinished(
            lane="clipped",
            step=30,
            reason="completed",
            loss=1.0,
            correct=3,
            total=5,
            seconds=9.0,
            training_seconds=8.0,
        ),
        LaneFailed(lane="unclipped", step=30, reason="error", cause=text, seconds=2.0),
        RunFinished(reason="completed", seconds=9.0),
    ]
    return events


def recorded(home: Path, text: str, name: str = "run", rule: str | None = None) -> Path:
    """The same on disk, listed by a manifest."""
    folder = home / name
    folder.mkdir(parents=True)
    events = crafted(text, rule)
    (folder / "events.jsonl").write_bytes(b"".join(seal(encode(event)) + b"\n" for event in events))
    (run,) = (decode_event(encode(event)) for event in events if isinstance(event, RunStarted))
    assert isinstance(run, RunStarted)
    lanes = (LaneOutcome(name=run.dataset.name, rule=run.dataset.name, step=30),)
    dataset, device = run.dataset, run.device
    manifest = Manifest(state="done", started=1.7e9, seed=0, dataset=dataset, device=device, versions={}, lanes=lanes)
    RunFolder(folder).write_manifest(manifest)
    return folder


def together(names: Iterable[str]) -> list[str]:
    """Several of the texts as one, and how that is shown."""
    return [" ".join(parts) for parts in zip(*(TEXTS[name] for name in names), strict=True)]


def plain(output: str) -> bool:
    """Whether nothing but printable lines is there."""
    return all(line.isprintable() for line in output.split("\n"))


def squeezed(text: str) -> str:
    """Without blanks and line ends, at which texts are broken where room is short."""
    return re.sub(r"\s", "", text)


@every_text
def test_one_function_shows_what_is_outside_text(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert printable(printable(text)) == shown
    assert printable(text, ascii=True).isascii()
    assert plain(in_markdown(text))


@every_text
def test_the_console_prints_it(text: str, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["replay", str(recorded(tmp_path, text)), "--no-ui", "--speed", "max"])
    output, messages = capsys.readouterr()
    assert plain(output)
    assert plain(messages)
    assert squeezed(f"clipwatch: {shown}\nclipwatch: {shown}") in squeezed(messages)
    assert squeezed(f"failed: {shown}") in squeezed(messages)
    assert squeezed(f"clip {shown} -> {shown}") in squeezed(messages)


@every_text
def test_the_summary_prints_it(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    sink = ConsoleSink(quiet=True)
    for event in crafted(text):
        sink.receive(event)
    capsys.readouterr()
    sink.close()
    output = capsys.readouterr().out
    assert plain(output)
    assert not shown or f"recorded in {shown}\n" in output
    lines = output.split("\n")
    rows = [line for line in lines if line.strip() and "recorded in" not in line]
    assert len({cell_len(row) for row in rows}) == 1


@every_text
def test_the_list_of_runs_prints_it(text: str, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path, text)
    assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
    output, messages = capsys.readouterr()
    assert plain(output)
    assert messages == ""
    assert squeezed(shown) in squeezed(output)
    assert main(["runs", "--json", "--runs-dir", str(tmp_path)]) == 0
    found = msgspec.json.decode(capsys.readouterr().out)
    assert printable(found["dataset"]["name"]) == shown


@pytest.mark.parametrize("language", ["en", "zh"])
def test_reports_hold_it(language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, shown = together(TEXTS)
    monkeypatch.setattr("clipwatch.tui.live.screenshot.picture", lambda table: "<svg></svg>")
    folder = recorded(tmp_path, text)
    page, document = tmp_path / "r.html", tmp_path / "r.md"
    for output in (page, document):
        assert main(["report", str(folder), "-o", str(output), "--lang", language]) == 0
    read = _Page()
    read.feed(page.read_text("utf-8"))
    assert "script" not in read.tags
    assert squeezed(shown) in squeezed("".join(read.texts))
    written = document.read_text("utf-8")
    assert plain(written)
    assert "<script" not in re.sub(r"`[^`]+`", "", written)
    tables = re.findall(r"(?:^\|.*\n)+", written, re.MULTILINE)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1
    for picture in tmp_path.glob("*.svg"):
        ElementTree.parse(picture)


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        assert plain(data.replace("\xa0", " "))
        self.texts.append(data)


@every_text
def test_figures_hold_it(text: str, shown: str) -> None:
    with drawing_style("figure"):
        figure, axes = new_axes(6.6, 3.1)
        add_legend(axes, [axes.plot([1, 2], [1, 2])[0]], [f'{text}id="a'])
        svg = as_svg(figure, "figure")
    assert plain(svg)
    words = ["".join(node.itertext()) for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert any(squeezed(word) == squeezed(f'{shown}id="a') or word.endswith("…") for word in words)


@every_text
def test_the_console_of_a_sweep_prints_it(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = grid()
    begun = started(config)
    console = SweepConsole(quiet=False, cores=1)
    console.receive(msgspec.structs.replace(begun, dataset=msgspec.structs.replace(begun.dataset, name=text)))
    console.receive(RecordingStarted(folder=text))
    console.receive(Notice(text=text))
    console.receive(DownloadProgressed(file=text, received=0, total=1))
    for setting in config.settings:
        for seed in config.every_seed:
            console.receive(replica(setting.number, seed))
    console.receive(SweepFinished(reason="completed", seconds=1.0))
    console.close()
    output, messages = capsys.readouterr()
    assert plain(output)
    assert plain(messages)
    assert squeezed(f"clipwatch: {shown}clipwatch: downloading {shown}clipwatch:") in squeezed(messages)
    assert f"recorded in {shown}\n" in output
    assert "done in 1 s" in output


@every_text
def test_the_screen_of_a_sweep_shows_it(text: str, shown: str) -> None:
    config = grid()
    begun = started(config)
    view = SweepView()
    view.fold(StageStarted(stage=text))
    assert title(view, 200, theme()).text.isprintable()
    view.fold(msgspec.structs.replace(begun, dataset=msgspec.structs.replace(begun.dataset, name=text)))
    view.fold(Notice(text=text))
    for strip in (title(view, 200, theme()), status(view, 0, 200, theme())):
        assert strip.text.isprintable()
        assert strip.cell_length == 200
        assert len(shown) > 100 or shown in strip.text


def test_rules_of_a_sweep_as_somebody_else_wrote_them_are_shown() -> None:
    config = sweep_config(SWEPT, {"clip": ["none", "norm:1"]}, 2, ())
    rules = ("none", "\u2028norm:\uff11\x85")
    config = msgspec.structs.replace(config, axes={"clip": rules})
    replicas = {(event.setting, event.seed): event for event in (replica(n, s) for n in (0, 1) for s in (0, 1))}
    results = Results(started=started(config), replicas=replicas)
    for width in (80, 160):
        lines = page(results, summaries(results), comparisons(results), (width, 50), theme()).lines
        for line in lines:
            assert line.text.isprintable()
            assert line.cell_length == width
        assert any("norm:\uff11" in line.text for line in lines)


class _Told:
    """An engine that has said everything."""

    behind = False
    exit_code = None
    partial_line = b""
    last_error_line = ""

    def __init__(self, events: list[Event]) -> None:
        self._events = iter(events)

    def lines(self, seconds: float) -> Iterator[bytes]:
        yield from map(encode, self._events)

    def send(self, command: AnyCommand) -> bool:
        return True

    def stop(self) -> list[bytes]:
        return []

    def restart(self) -> None: ...


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("names", [("long",), ("wide",), tuple(name for name in TEXTS if name != "long")])
def test_the_screen_shows_it(names: tuple[str, ...], ascii: bool) -> None:
    text, shown = together(names)
    asyncio.run(asyncio.wait_for(_on_the_screen(text, shown, ascii=ascii), 60))


async def _on_the_screen(text: str, shown: str, *, ascii: bool) -> None:
    events = crafted(text, "norm:2")
    app = ClipwatchApp(
        _Told(events),
        keymap={"help": "f1"},
        ascii=ascii,
    )
    async with app.run_test(size=(180, 40)) as pilot:

        def rows() -> list[str]:
            return [strip.text for strip in app.screen._compositor.render_strips()]

        async def is_plain() -> None:
            await pilot.pause()
            for row in rows():
                assert row.isprintable()
                assert cell_len(row) == 180

        while not (app.view.runs and app.main.laid_out) and app.is_running:
            await asyncio.sleep(0.01)
        app.main.draw_at_once()
        await is_plain()
        wanted = shown.encode("ascii", "backslashreplace").decode() if ascii else shown
        assert len(wanted) > 100 or wanted in rows()[0]
        app.main.say(text, alert=True)
        await is_plain()
        assert wanted[:80] in rows()[-2]
        await pilot.press("d")
        await is_plain()
        prompt = app.main.query_one(RulePrompt)
        prompt.show_lane(text)
        prompt.open(RuleField(text), 40, lambda rule: None)
        await is_plain()
        await pilot.press("ctrl+u", *map(_key, text[:40]))
        await is_plain()


def _key(character: str) -> str:
    return {"[": "left_square_bracket", "]": "right_square_bracket", "/": "slash"}.get(character, character)


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "utf-8:strict"},
        {"PYTHONIOENCODING": "gbk:strict"},
    ],
    ids=lambda environment: next(iter(environment.values())),
)
def test_no_encoding_ends_a_program_that_prints(environment: dict[str, str], tmp_path: Path) -> None:
    home = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xd4\xcb"))
    folder = recorded(home, "不裁剪 \udcd4", os.fsdecode(b"\xff"), "norm:2")
    for arguments in (
        ["runs", "--runs-dir", str(home)],
        ["replay", str(folder), "--no-ui", "--speed", "max"],
        ["report", str(folder), "-o", str(home / "r.md")],
    ):
        done = subprocess.run(
            [*program.COMMAND, *arguments], capture_output=True, timeout=60, env={**os.environ, **environment}
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode == (1 if "replay" in arguments else 0), done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_standard_output_takes_what_its_encoding_lacks(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding, "strict"))
    assert main(["--lane", "裁剪=none", "--print-config"]) == 0
    sys.stdout.write("\udcd4\n")
    sys.stdout.flush()
    assert (
        from_options(tomllib.loads(written.getvalue().decode(encoding).rpartition("\n\\")[0])).lanes[0].name == "裁剪"
    )


def test_a_run_lives_in_a_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    home = os.fsencode(tmp_path) + b"/\xd4\xcb"
    lanes = ("--lane", "不裁剪=none", "--lane", "_x=value:0.001")
    first = program.call(*recordings.DIGITS, *lanes, "--iterations", "11", "--runs-dir", os.fsdecode(home))
    assert first.returncode == 0, first.stderr
    assert len({cell_len(line[: line.index("Step:")]) for line in first.stdout.splitlines() if "Step:" in line}) == 1
    folder = recordings.only_run(Path(os.fsdecode(home)))
    folder.rename(folder.with_name(os.fsdecode(b"\xff \x1b[1m")))
    for arguments, says in (
        (("resume", "last", "--iterations", "21", "--no-ui"), r"\xd4\xcb/\xff \x1b[1m"),
        (("verify", "last"), r"\xff \x1b[1m: identical"),
        (("report", "last", "-o", os.fsdecode(home) + "/r.md"), r"\xd4\xcb/r.md"),
        (("runs",), r"\xff \x1b[1m"),
    ):
        done = program.call(*arguments, "--runs-dir", os.fsdecode(home))
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert says in done.stdout


@pytest.mark.parametrize("text", ["不裁剪 " * 9, "a" * 50, "e\u0301" * 40, "🐞" * 30])
def test_lines_are_broken_by_cells(text: str) -> None:
    lines = wrapped(text, 21, indent="  ")
    assert all(cell_len(line) <= 21 for line in lines)
    assert squeezed("".join(lines)) == squeezed(text)

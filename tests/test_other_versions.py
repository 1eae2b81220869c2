"""What another version of the program wrote: passed over where that is enough, otherwise refused in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_sweep_screen import until
from watched_screen import on_a_loop

from clipwatch.core.errors import BadInput
from clipwatch.core.runs.reader import Recorded, read_recording
from clipwatch.core.stream.codec import OtherSchema, UnknownEvent, decode_event, decode_sweep_event, encode, seal
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import DatasetInfo, RunStarted
from clipwatch.core.stream.rules import UnknownRule, recorded_rule
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, SweepStarted
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.store import SweepFolder, read_sweep
from clipwatch.tui.cli.main import main
from clipwatch.tui.engine_child.lines import EngineLines
from clipwatch.tui.engine_child.process import EngineProcess
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.sweep.app import SweepApp

RECORDING = Path(__file__).parent / "schemas" / "1.jsonl"
DATA = DatasetInfo(name="digits", origin="embedded", training=1497, validation=300, checksum="0")
COLOURED = {"v": 1, "event": "Coloured", "lane": "clipped", "step": 3}
FOREIGN = "median:3"
UNREADABLE = RECORDING.read_bytes().splitlines()[0].replace(b'"relu"', b'"gelu"')
Line = dict[str, Any]


def written(line: Line) -> bytes:
    return seal(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode())


def recorded_lines() -> list[Line]:
    lines = [json.loads(line) for line in RECORDING.read_bytes().splitlines()]
    return [{key: value for key, value in line.items() if key != "crc"} for line in lines]


def recording(folder: Path, change: Callable[[Line], list[Line]]) -> Path:
    """A folder with a recording of which every line has been changed."""
    folder.mkdir()
    lines = [written(new) for line in recorded_lines() for new in change(line)]
    (folder / "events.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return folder


def more_fields(line: Line) -> list[Line]:
    if line["event"] == "RunStarted":
        line["config"] |= {"colour": "blue"}
        line["config"]["lanes"][0] |= {"hue": 3}
    return [line | {"shade": [1]}]


def more_kinds(line: Line) -> list[Line]:
    return [line, COLOURED] if line["event"] == "Evaluated" else [line]


def foreign_rule(line: Line) -> list[Line]:
    """As if every bound were such a rule."""
    return [json.loads(json.dumps(line).replace("value:0.001", FOREIGN))]


def foreign_change(line: Line) -> list[Line]:
    return [line | {"rule": FOREIGN}] if line["event"] == "ClipChanged" else [line]


def read(folder: Path) -> Recorded:
    return read_recording(folder / "events.jsonl")


def test_fields_that_are_not_known_are_passed_over(tmp_path: Path) -> None:
    recorded = read(recording(tmp_path / "run", more_fields))
    assert recorded.damage == ()
    assert recorded.events == read_recording(RECORDING).events


@pytest.mark.parametrize("options", [{"colour": "blue"}, {"lanes": {"a": FOREIGN}}, {"clip": FOREIGN}])
def test_what_a_user_writes_must_be_known(options: Line) -> None:
    with pytest.raises(BadInput, match=r"colour|median:3"):
        from_options(options)


def test_kinds_that_are_not_known_are_passed_over_and_told_once(tmp_path: Path) -> None:
    recorded = read(recording(tmp_path / "run", more_kinds))
    (told,) = recorded.damage
    assert "'Coloured' events are from another version" in told
    assert recorded.events == read_recording(RECORDING).events


@pytest.mark.parametrize("decode", [decode_event, decode_sweep_event])
def test_only_a_kind_that_nobody_knows_is_another_versions(decode: Callable[[bytes], object]) -> None:
    with pytest.raises(UnknownEvent):
        decode(b'{"v":1,"event":"Coloured"}')
    with pytest.raises(OtherSchema):
        decode(b'{"v":2,"event":"Notice","text":3}')
    for line in (b'{"v":1,"event":"Notice"}', b'{"v":1,"event":3}', b'{"v":1}', b"[]", b"3"):
        with pytest.raises(BadInput) as caught:
            decode(line)
        assert type(caught.value) is BadInput


COMMANDS = [
    (["replay", "--no-ui", "--speed", "max"], 0),
    (["report", "-o", "report.html"], 0),
    (["export", "--csv", "figures.csv", "--json", "events.json"], 0),
    (["verify"], 2),
    (["resume", "--no-ui"], 2),
]


@pytest.mark.parametrize(("command", "code"), COMMANDS, ids=[command[0] for command, _ in COMMANDS])
@pytest.mark.parametrize("change", [foreign_rule, foreign_change])
def test_a_rule_that_is_not_known_is_shown_and_not_trained(
    change: Callable[[Line], list[Line]],
    command: list[str],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    recording(tmp_path / "run", change)
    assert main([command[0], "run", *command[1:]]) == code
    out, err = capsys.readouterr()
    if code == 0:
        files = [path.read_text() for path in tmp_path.glob("*.*")]
        assert any(FOREIGN in text for text in (out, err, *files))
    else:
        assert err.splitlines()[-1] == f"clipwatch: rule '{FOREIGN}': this version of clipwatch does not know it;" + (
            " use the version that wrote it"
        )


@pytest.mark.parametrize("command", [command for command, _ in COMMANDS], ids=[command[0] for command, _ in COMMANDS])
def test_another_schema_is_one_line(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recording(tmp_path / "run", lambda line: [line | {"v": 2}])
    assert main([command[0], "run", *command[1:]]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "schema 2: written by another clipwatch; this one reads schema 1; upgrade it" in err


def test_a_rule_that_is_not_known_keeps_its_spelling() -> None:
    assert recorded_rule("norm: 1") == recorded_rule("norm:1")
    assert recorded_rule(FOREIGN) == UnknownRule(FOREIGN)
    assert str(recorded_rule(" 不裁剪")) == " 不裁剪"


# Sweeps


def sweep(folder: Path, change: Callable[[Line], list[Line]]) -> SweepFolder:
    config = sweep_config(
        RunConfig(settings={"dataset": "digits"}, iterations=1), {"clip": ["none", "value:0.001"]}, 2, ()
    )
    events = [SweepStarted(config=config, dataset=DATA, versions={}, time=0.0)]
    events += [
        ReplicaFinished(setting=setting, seed=seed, step=1, reason="completed", loss=2.0, correct=9, total=99, dead=())
        for seed in (0, 1)
        for setting in (0, 1)
    ]
    folder.mkdir()
    lines = [written(new) for event in events for new in change(json.loads(encode(event)))]
    (folder / "sweep.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    return SweepFolder(folder)


def test_a_sweep_of_another_version_is_read(tmp_path: Path) -> None:
    def changed(line: Line) -> list[Line]:
        if line["event"] == "SweepStarted":
            line["config"] |= {"colour": "blue"}
        return [line | {"shade": 1}, COLOURED]

    read = read_sweep(sweep(tmp_path / "sweep", changed))
    assert len(read.results.replicas) == 4
    (told,) = read.damage
    assert "'Coloured' events are from another version" in told


def test_a_sweep_by_a_rule_that_is_not_known_is_written_up_and_not_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = sweep(tmp_path / "sweep", foreign_rule)
    report = tmp_path / "report.md"
    assert main(["report", str(folder.path), "-o", str(report)]) == 0
    assert FOREIGN in report.read_text()
    with pytest.raises(BadInput, match="does not know it"):
        Sweep.resume(folder, read_sweep(folder))


# On the screen


def says(*lines: bytes) -> list[str]:
    """An engine that says this, and waits."""
    text = b"".join(line + b"\n" for line in lines)
    return [sys.executable, "-c", f"import sys; sys.stdout.buffer.write({text!r}); sys.stdout.flush(); input()"]


@on_a_loop
async def test_the_screen_shows_what_it_understands_and_tells_once_of_the_rest() -> None:
    lines = [written(new) for line in recorded_lines() for more in more_fields(line) for new in more_kinds(more)]
    app = ClipwatchApp(EngineProcess(says(*lines)), keymap={})
    said: list[str] = []
    async with app.run_test(size=(120, 40)):
        tell = app.main.say
        app.main.say = lambda *texts, alert=False: (said.append(texts[0]), tell(*texts, alert=alert))[1]
        await until(lambda: app.view.state.finished)
        assert app.view.state.config == next(
            event.config for event in read_recording(RECORDING).events if isinstance(event, RunStarted)
        )
    app.engine.stop()
    assert len([text for text in said if "Coloured" in text]) == 1
    assert not [text for text in said if "something else" in text]


@on_a_loop
async def test_a_rule_that_is_not_known_leaves_the_screen_whole() -> None:
    lines = [written(new) for line in recorded_lines() for other in foreign_rule(line) for new in foreign_change(other)]
    app = ClipwatchApp(EngineProcess(says(*lines)), keymap={})
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.view.state.finished and app.main.laid_out)
        # The lane, its diagnostics, its bound, the rule prompt, its clip off and on.
        await pilot.press("tab", "d", "d", "left_square_bracket", "right_square_bracket", "b", "escape", "c", "c")
        assert FOREIGN in app.export_screenshot()
    app.engine.stop()


@pytest.mark.parametrize(
    "line",
    [
        b'{"v":2,"event":"StageStarted","stage":"loading"}',
        UNREADABLE,
        json.dumps(json.loads(UNREADABLE)).encode(),
    ],
    ids=["schema", "setting", "spaced"],
)
@pytest.mark.parametrize("make", [lambda command: ClipwatchApp(EngineProcess(command), keymap={}), SweepApp])
def test_an_engine_whose_beginning_cannot_be_read_ends_the_screen_in_one_line(
    make: Callable[[list[str]], Any], line: bytes
) -> None:
    @on_a_loop
    async def watch() -> None:
        async with app.run_test(size=(120, 40)):
            await until(lambda: app.failure)
        app.engine.stop()

    app = make(says(line, line, line))
    watch()
    assert app.failure.startswith("the engine runs another version of clipwatch: ")
    assert app.return_code == 1


def test_ever_new_kinds_of_events_are_complained_of_a_hundred_times() -> None:
    said: list[str] = []
    lines = EngineLines(decode_event, said.append)
    assert not [*lines.events(b'{"v":1,"event":"New%d"}' % number for number in range(1000))]
    assert len(said) == 100


def test_an_event_that_speaks_of_a_beginning_is_none() -> None:
    lines = EngineLines(decode_event, lambda _: None)
    assert not [*lines.events([b'{"v":1,"event":"Notice","x":{"event":"RunStarted"}}'])]
    assert lines.incompatibility is None

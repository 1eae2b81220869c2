"""The pictures of the documents: the screen as it moves through a run, and stills.

    python benchmarks/pictures.py DIR            # trains three runs, two of them on MNIST (a minute); draws into docs
    python benchmarks/pictures.py RUN OUT.svg    # only the movie, of a recorded run in which clipping went off and on
    python benchmarks/pictures.py recurrent      # only the recurrent network, which needs no data
    python benchmarks/pictures.py watched        # only the loop of examples/loops, watched (a minute)
    python benchmarks/pictures.py compare DIR    # only four runs compared: two seeds, with and without a last ReLU
    python benchmarks/pictures.py map            # only the map of rule by learning rate (two minutes)
    python benchmarks/pictures.py map SWEEP      # the same of a recorded sweep
    python benchmarks/pictures.py forks DIR      # only the forks at step 300, of LeNet on MNIST and of temporal order

DIR holds the four MNIST files. The movie shows how the two lanes part; `c`, which switches clipping of lane B off; `v`,
which shows the gradient norm; `c` again; the verdict; and `d`, the diagnostics. The keys are pressed on an app without
a terminal that reads the events of the run. The recurrent network and the watched loop are shown in the middle of their
runs, forks some time after step 300.
`benchmarks/claims.py` draws the remaining picture, of a sweep.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from animated_svg import Caption, Frame, movie
from screen_rows import rows_of
from textual.pilot import Pilot

from clipwatch.core.engine.engine import Engine
from clipwatch.core.reports.map_figure import map_figure
from clipwatch.core.reports.phrases import Words
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.runs.timeline import Timeline
from clipwatch.core.stream.attach_events import Attached
from clipwatch.core.stream.codec import encode
from clipwatch.core.stream.commands import AnyCommand, Fork, SetClip
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import ClipChanged, CommandScheduled, RecordingStarted
from clipwatch.core.sweeps.comparisons import summaries
from clipwatch.core.sweeps.grid_map import grid_map
from clipwatch.core.sweeps.recorded_folders import find_sweep
from clipwatch.core.sweeps.store import SweepFolder, read_sweep
from clipwatch.tui.cli.main import main as main_program
from clipwatch.tui.compare.app import CompareApp
from clipwatch.tui.live.app import ClipwatchApp

DOCS = Path(__file__).parent.parent / "docs"
SIZE, FRAMES_PER_SECOND = (120, 36), 3
# Steps per second, the speed of the screen.
PACE = 40
# Steps at which the movie's run switches clipping off and on.
OFF, ON = 400, 700
# When the clipped recurrent network learns, and the unclipped one no longer can.
LEARNING, LARGE = 160, (160, 45)
# The seeds of the runs that are compared.
COMPARED_SEEDS = (0, 1)
# The step of the forks, and those at which the runs with forks are shown.
FORKED, FORKED_LENET, FORKED_RECURRENT = 300, 700, 500
# The step at which the watched loop is shown, some time after its warm-up.
WATCHED, LOOP = 560, Path(__file__).parents[1] / "examples" / "loops" / "character_model.py"
# The sweep whose map is drawn.
MAP_RULES, MAP_RATES = ("none", "norm:1", "value:0.001"), (0.03, 0.1, 0.3, 1, 3)


@dataclass(frozen=True)
class Scene:
    """Part of the movie: presses `key`, then shows the events from those before up to the event `end`."""

    seconds: float
    end: int
    key: str
    text: str


def scenes(timeline: Timeline) -> list[Scene]:
    """Twenty seconds. The run has to switch clipping off, and on again later."""
    off, on = [index for index in range(len(timeline)) if isinstance(timeline[index], ClipChanged)][:2]
    changes = [event.step for event in (timeline[off], timeline[on]) if isinstance(event, ClipChanged)]
    middle = timeline.after(sum(changes) // 2)
    return [
        Scene(2, 0, "", "One network, trained twice from the same weights: unclipped, and clipped"),
        Scene(4.5, off, "", "The lanes part: clipped, outputs die one after another, and accuracy stays low"),
        Scene(3, middle, "c", "lane B is no longer clipped: a spike, then it learns"),
        Scene(2.5, on, "v", "the left chart shows the gradient norm, one value per step"),
        Scene(2.5, len(timeline), "c", "lane B is clipped again"),
        Scene(2, len(timeline), "", "The verdict, and what one run is worth"),
        Scene(3.5, len(timeline), "d", "what clipping does, layer by layer"),
    ]


class EventsInParts:
    """An `EngineConnection` that sends the events of a timeline as far as it is told to, then that of a follower."""

    behind = False
    exit_code = None
    partial_line = b""
    last_error_line = ""

    def __init__(self, timeline: Timeline, attached: Attached | None = None) -> None:
        self._timeline, self._attached, self._sent = timeline, attached, 0
        self.end = 0

    def lines(self, seconds: float) -> Iterator[bytes]:
        while self._sent < self.end:
            event = self._timeline[self._sent]
            self._sent += 1
            # Where this run was recorded, and that its keys were pressed beforehand, is of no interest.
            if not isinstance(event, RecordingStarted | CommandScheduled):
                yield encode(event)
        if self._attached:
            yield encode(self._attached)

    def send(self, command: AnyCommand) -> bool:
        """Take a command. The recorded run has obeyed it."""
        return True

    def stop(self) -> list[bytes]:
        return []

    def restart(self) -> None: ...


async def film(
    timeline: Timeline, parts: Sequence[Scene], size: tuple[int, int] = SIZE, attached: Attached | None = None
) -> list[Frame]:
    """The frames of the scenes."""
    engine = EventsInParts(timeline, attached)
    app = ClipwatchApp(engine, keymap={}, new_run=True)
    frames = []
    async with app.run_test(size=size) as pilot:
        for scene in parts:
            if scene.key:
                await pilot.press(scene.key)
            stops = list(_stops(timeline, engine.end, scene))
            for stop in stops:
                engine.end = stop
                screenshot = await photograph(app, pilot)
                frames.append(Frame(rows_of(screenshot), Caption(scene.text, scene.key), scene.seconds / len(stops)))
    return frames


def _stops(timeline: Timeline, start: int, scene: Scene) -> Iterator[int]:
    """The number of events that each frame of a scene shows: as many steps more from frame to frame."""
    if scene.end == start:
        yield start
        return
    first, last = (_step(timeline, index) for index in (start, scene.end - 1))
    count = round(scene.seconds * FRAMES_PER_SECOND)
    for number in range(1, count):
        # The first frame after a key shows its effect.
        yield min(scene.end, max(start + 1, timeline.after(first + (last - first) * number // count)))
    yield scene.end


def _step(timeline: Timeline, index: int) -> int:
    """The step of the newest event up to this one that has a step."""
    steps = (getattr(timeline[at], "step", None) for at in range(index, -1, -1))
    return next((step for step in steps if step is not None), 0)


async def photograph(app: ClipwatchApp, pilot: Pilot[int]) -> str:
    """The screen as SVG after all events that the engine has sent."""
    app.catch_up()
    while not app.main.laid_out:
        await pilot.pause()
    await pilot.pause()
    app.main.draw_at_once()
    await pilot.pause()
    return app.export_screenshot(simplify=True)


def draw_movie(timeline: Timeline) -> str:
    """The movie of a run."""
    frames = asyncio.run(film(timeline, scenes(timeline)))
    # The last frame before the diagnostics has most to see.
    return movie(frames, poster=len(frames) - 2)


def draw_stills(timeline: Timeline) -> tuple[str, str]:
    """The screen and the diagnostics at the end of a run."""
    end = len(timeline)
    parts = [Scene(1, end, "", "clipwatch"), Scene(1, end, "d", "clipwatch, diagnostics")]
    *_, screen, diagnostics = asyncio.run(film(timeline, parts))
    return movie([screen]), movie([diagnostics])


def draw_recurrent() -> str:
    """The screen of the temporal order problem while the clipped lane learns, with the gradient norm at the left."""
    engine = Engine(from_options({"experiment": "temporal-order", "pace": PACE}))
    timeline = Timeline(EventTable.of(engine.run()))
    end = timeline.after(LEARNING)
    parts = [Scene(1, end, "", ""), Scene(1, end, "v", "clipwatch --experiment temporal-order")]
    *_, screen = asyncio.run(film(timeline, parts, LARGE))
    return movie([screen])


def draw_watched() -> str:
    """The screen of a loop that another process trains and that clips itself."""
    with tempfile.TemporaryDirectory() as folder:
        options = ["--runs-dir", folder, "--checkpoint", f"{folder}/model.pt"]
        subprocess.run([sys.executable, str(LOOP), *options], check=True, stdout=subprocess.DEVNULL)
        (run,) = (path for path in Path(folder).iterdir() if path.is_dir())
        timeline = Timeline(read_recording(RunFolder(run).events).table)
    parts = [Scene(1, timeline.after(WATCHED), "", "clipwatch attach")]
    attached = Attached(run=run.name, process="running")
    return movie(asyncio.run(film(timeline, parts, LARGE, attached))[-1:])


def draw_comparison(data_dir: str) -> str:
    """Four runs on MNIST compared: two seeds, with and without a ReLU on the logits."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for seed in COMPARED_SEEDS:
            for head in ("relu", "linear"):
                settings = {"dataset": "mnist", "head": head}
                engine = Engine(RunConfig(settings=settings, data_dir=data_dir, seed=seed))
                record(engine, home).path.rename(home / f"{head}-{seed}")
        folders = [RunFolder(home / f"{head}-{seed}") for seed in COMPARED_SEEDS for head in ("relu", "linear")]
        return movie([Frame(rows_of(asyncio.run(compare(folders))), Caption("clipwatch compare", ""), 1)])


def record(engine: Engine, home: Path) -> RunFolder:
    """Train a run and record it in `home`."""
    recorder, folder = Recorder(home), None
    for _ in recorder.through(engine.run()):
        folder = recorder.folder or folder
    assert folder
    return folder


async def compare(folders: Sequence[RunFolder]) -> str:
    """The screen of a comparison as SVG."""
    app = CompareApp(folders)
    async with app.run_test(size=LARGE) as pilot:
        while app.view.gains_runs:
            await pilot.pause(0.1)
        # Some time for the charts, which are drawn one after the other.
        await pilot.pause(1)
        app.reader.stop()
        return app.export_screenshot(simplify=True)


def train_map(home: str) -> SweepFolder:
    """A sweep of the temporal order problem over rules and learning rates."""
    axes = [f"--clip={rule}" for rule in MAP_RULES] + [f"--learning-rate={rate}" for rate in MAP_RATES]
    words = ["sweep", "--no-ui", "--experiment", "temporal-order", "--seeds", "8", "--runs-dir", home, *axes]
    if main_program(words):
        raise SystemExit("the sweep failed")
    return find_sweep("last", Path(home), print)


def draw_map(folder: SweepFolder) -> str:
    """The map of a sweep, as its report draws it."""
    results = read_sweep(folder, curves=False).results
    found = grid_map(results, summaries(results))
    if found is None:
        raise SystemExit(f"{folder.path}: not a sweep of two axes of numbers or rules")
    return map_figure(found, Words("en"), "map") + "\n"


def draw_fork(data_dir: str) -> str:
    """The screen of LeNet, whose clipped lane goes on unclipped in a fork."""
    timeline = train(data_dir, [fork("clipped", "B+1", "none")])
    caption = f"clipwatch; F at step {FORKED}: B+1=none"
    return movie(asyncio.run(film(timeline, [Scene(1, timeline.after(FORKED_LENET), "", caption)], LARGE))[-1:])


def draw_recurrent_fork() -> str:
    """The screen of the temporal order problem: a fork of each lane takes over the other lane's rule."""
    engine = Engine(from_options({"experiment": "temporal-order", "pace": PACE}))
    for command in (fork("unclipped", "A+1", "norm:1"), fork("clipped", "B+1", "none")):
        engine.send(command)
    timeline = Timeline(EventTable.of(engine.run()))
    caption = f"clipwatch --experiment temporal-order; F at step {FORKED}: A+1=norm:1, B+1=none"
    return movie(asyncio.run(film(timeline, [Scene(1, timeline.after(FORKED_RECURRENT), "", caption)], LARGE))[-1:])


def fork(parent: str, name: str, rule: str) -> Fork:
    """A fork with another rule."""
    return Fork(lane=parent, name=name, rule=rule, at_step=FORKED)


def set_clip(rule: str, step: int) -> SetClip:
    """A change of the clipped lane's rule before a step."""
    return SetClip(lane="clipped", rule=rule, at_step=step)


def train(data_dir: str, commands: Sequence[SetClip | Fork] = ()) -> Timeline:
    """Train the default run on MNIST at the speed of the screen."""
    engine = Engine(RunConfig(settings={"dataset": "mnist"}, data_dir=data_dir, pace=PACE))
    for command in commands:
        engine.send(command)
    return Timeline(EventTable.of(engine.run()))


def draw_forks(data_dir: str) -> None:
    """Draw both pictures of a fork."""
    (DOCS / "fork.svg").write_text(draw_fork(data_dir), encoding="utf-8")
    (DOCS / "fork-recurrent.svg").write_text(draw_recurrent_fork(), encoding="utf-8")


def main() -> None:
    """Draw the pictures."""
    match sys.argv[1:]:
        case ["recurrent"]:
            (DOCS / "recurrent.svg").write_text(draw_recurrent(), encoding="utf-8")
        case ["watched"]:
            (DOCS / "watched.svg").write_text(draw_watched(), encoding="utf-8")
        case ["compare", data_dir]:
            (DOCS / "compare.svg").write_text(draw_comparison(data_dir), encoding="utf-8")
        case ["map"]:
            with tempfile.TemporaryDirectory() as home:
                (DOCS / "map.svg").write_text(draw_map(train_map(home)), encoding="utf-8")
        case ["map", sweep]:
            (DOCS / "map.svg").write_text(draw_map(SweepFolder(Path(sweep))), encoding="utf-8")
        case ["forks", data_dir]:
            draw_forks(data_dir)
        case [run, out]:
            recorded = Timeline(read_recording(RunFolder(Path(run)).events).table)
            Path(out).write_text(draw_movie(recorded), encoding="utf-8")
        case [data_dir]:
            toggled = train(data_dir, [set_clip("none", OFF), set_clip("value:0.001", ON)])
            (DOCS / "movie.svg").write_text(draw_movie(toggled), encoding="utf-8")
            screen, diagnostics = draw_stills(train(data_dir))
            (DOCS / "screen.svg").write_text(screen, encoding="utf-8")
            (DOCS / "diagnostics.svg").write_text(diagnostics, encoding="utf-8")
            (DOCS / "recurrent.svg").write_text(draw_recurrent(), encoding="utf-8")
            (DOCS / "watched.svg").write_text(draw_watched(), encoding="utf-8")
            (DOCS / "compare.svg").write_text(draw_comparison(data_dir), encoding="utf-8")
            draw_forks(data_dir)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()

"""The whole screen of experiments other than LeNet, at every size; the list of runs and the sweep screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from other_experiments import BITS, LENETS_WORDS, ORDER, OTHERS, PLAIN, config_of, started
from test_sweep_screen import text, theme
from watched_screen import Watch, charts_of, on_a_loop

from clipwatch.core.runs.folder import LaneOutcome, Manifest, RunFolder
from clipwatch.core.stream.commands import Restart
from clipwatch.core.stream.experiment_info import LOSS, ExperimentInfo
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, Results, SweepStarted
from clipwatch.core.sweeps.comparisons import comparisons, summaries
from clipwatch.core.sweeps.listing import Recording
from clipwatch.tui.runs.bars import details
from clipwatch.tui.runs.cells import lane_cells
from clipwatch.tui.runs.rows import Row
from clipwatch.tui.sweep.curves import choices
from clipwatch.tui.sweep.page import page
from clipwatch.tui.sweep.reading import terms
from clipwatch.tui.sweep.tables import comparison_table, setting_table
from clipwatch.tui.text.rich_output import Output

EVERY = pytest.mark.parametrize("name", OTHERS)


@EVERY
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 45)])
@on_a_loop
async def test_the_screen_says_nothing_of_lenet(name: str, size: tuple[int, int], watch: Watch) -> None:
    async with watch("finishes", "--experiment", name, "--measured", "--logged", size=size) as screen:
        await screen.shows("done" if size[0] > 60 else "B")
        for keys in ((), ("d",), ("d", "V"), ("G",)):
            await screen.press(*keys)
            await screen.until(lambda keys=keys: OTHERS[name].name in screen.text or keys == ("G",))
            shown = screen.text.replace("output ", "")
            assert not [word for word in LENETS_WORDS if word in shown]


@on_a_loop
async def test_the_second_chart_is_that_of_the_first_metric_and_the_keys_step_through_the_others(watch: Watch) -> None:
    async with watch("normal", "--experiment", "bits") as screen:
        await screen.shows("bits per character")
        assert [one.name for one in charts_of(screen).shown] == ["loss", "bits-per-character"]
        await screen.press("V")
        await screen.says("gradient norm")


@on_a_loop
async def test_without_metrics_the_second_chart_is_the_gradient_norm(watch: Watch) -> None:
    async with watch("normal", "--experiment", "plain") as screen:
        await screen.shows("gradient norm")
        assert [one.name for one in charts_of(screen).shown] == ["loss", "grad-norm"]


@on_a_loop
async def test_charts_that_the_user_asked_for_are_those_of_the_experiment(watch: Watch) -> None:
    async with watch("normal", "--experiment", "temporal-order", "--measured", charts=("saturated",)) as screen:
        await screen.shows("saturated units")
        assert charts_of(screen).shown[0].percent


@on_a_loop
async def test_a_chart_that_the_experiment_does_not_have_is_named(watch: Watch) -> None:
    async with watch("normal", "--experiment", "bits", charts=("loss", "bits-per-word")) as screen:
        await screen.shows("bits-per-word: not recorded in this run")


@on_a_loop
async def test_h_changes_the_setting_that_the_experiment_offers(watch: Watch) -> None:
    async with watch("normal", "--experiment", "temporal-order") as screen:
        await screen.press("h")
        await screen.says("From the next restart (r or n): init orthogonal")
        assert "(next: init orthogonal)" in screen.title
        await screen.press("h", "h", "r")
        await screen.hears(Restart(settings={"init": "orthogonal"}))
    async with watch("normal", "--experiment", "bits") as screen:
        await screen.press("h")
        await screen.says("This experiment has no setting that a key changes")


@pytest.mark.parametrize("lanes", [1, 3, 8])
@on_a_loop
async def test_any_number_of_lanes_is_shown(lanes: int, watch: Watch) -> None:
    given = ("--experiment", "temporal-order", "--measured", "--lanes", str(lanes))
    async with watch("finishes", *given, size=(160, 45), started="") as screen:
        await screen.shows(f"lane{lanes}")
        await screen.shows("saturated")


# The list of runs


def row(info: ExperimentInfo, path: Path, *lanes: LaneOutcome, **settings: object) -> tuple[Row, Recording]:
    run = started(info, settings=settings)
    manifest = Manifest(
        state="done",
        started=0.0,
        seed=0,
        dataset=run.dataset,
        device="cpu",
        versions={},
        lanes=lanes,
        experiment=info,
        settings=run.config.settings,
        optimizer="sgd",
        changed=False,
    )
    recording = Recording(RunFolder(path), manifest)
    return Row(recording, ascii=False), recording


def ended(name: str, value: float | None, info: ExperimentInfo) -> LaneOutcome:
    metrics = {one.name: value for one in info.metrics} if info is BITS and value is not None else {}
    accuracy = value if info is ORDER else None
    return LaneOutcome(name=name, rule="none", step=9, loss=1.5, accuracy=accuracy, metrics=metrics, ended="completed")


def test_a_row_of_the_list_has_settings_that_are_not_defaults_and_the_first_metric(tmp_path: Path) -> None:
    found, recording = row(ORDER, tmp_path, ended("a", 0.25, ORDER), ended("b", 1.0, ORDER), length=30)
    assert (found.cells["data"], found.cells["settings"]) == ("temporal-order", "length 30")
    assert found.cells["result"] == "0.250  1.000"
    assert found.matches("temporal length")
    assert "length 30" in text(details(recording, 120, 9, theme()))
    found, recording = row(BITS, tmp_path, ended("a", 2.5, BITS), ended("b", 2.0, BITS))
    assert (found.cells["data"], found.cells["settings"]) == ("Text", "-")
    assert found.cells["result"] == "bits per character 2.5  2"
    assert "bits per character 2.5" in text(details(recording, 120, 9, theme()))
    assert lane_cells(recording)[1][-2:] == ("1.5000", "bits per character 2")
    found, recording = row(PLAIN, tmp_path, ended("a", None, PLAIN), ended("b", None, PLAIN))
    assert found.cells["result"] == "loss 1.5000  1.5000"
    assert "accuracy" not in text(details(recording, 120, 9, theme()))


# The sweep screen


def swept(info: ExperimentInfo, seeds: int = 8) -> Results:
    config = sweep_config(config_of(info), {"clip": ["none", "norm:1"]}, seeds, ())
    run = SweepStarted(config=config, dataset=started(info).dataset, versions={}, time=0.0, experiment=info)
    results = Results(started=run, replicas={})
    for setting in range(2):
        for seed in range(seeds):
            value = 0.25 + 0.5 * setting + 0.01 * seed
            given = {"correct": round(1000 * value)} if info is ORDER else {"correct": None}
            metrics = {one.name: value for one in info.metrics} if info is BITS else {}
            curve = tuple((step, 2.0 - value, value if info.metrics else None) for step in (100, 200))
            replica = ReplicaFinished(
                setting=setting,
                seed=seed,
                step=1000,
                reason="completed",
                loss=2.0 - value,
                total=1000,
                dead=(),
                curve=curve,
                metrics=metrics,
                **given,  # type: ignore[arg-type]
            )
            results.replicas[replica.key] = replica
    return results


@EVERY
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (160, 45)])
def test_the_sweep_screen_goes_by_the_first_metric(name: str, size: tuple[int, int]) -> None:
    info, results = OTHERS[name], swept(OTHERS[name])
    found, compared = summaries(results), comparisons(results)
    for show in choices(results.started):
        lines = page(results, found, compared, size, theme(), 0, show).lines
        assert {line.cell_length for line in lines} == {size[0]}
    whole = text(page(results, found, compared, (size[0], 100), theme()).lines)
    assert not [word for word in LENETS_WORDS if word in whole]
    assert f"final {info.main.words} of every seed" in whole
    assert ("percentage points" in whole) is (info is ORDER)
    in_ascii = text(page(results, found, compared, (size[0], 100), theme(ascii=True)).lines)
    assert in_ascii.isascii()
    for term, meaning in terms(info).items():
        assert not [word for word in ("dead", "image", "ten classes") if word in f"{term} {meaning}"]


def test_the_curves_of_a_sweep_without_metrics_are_those_of_the_loss() -> None:
    assert choices(swept(PLAIN).started) == [(LOSS,)]
    assert choices(swept(BITS).started) == [(BITS.metrics[0], LOSS), (BITS.metrics[0],), (LOSS,)]


@EVERY
@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_tables_of_a_sweep_have_a_row_for_each_metric(name: str, width: int) -> None:
    results = swept(OTHERS[name])
    out = Output(width=width)
    with out.capture() as capture:
        out.print(setting_table(results, summaries(results), width))
        out.print(comparison_table(results, comparisons(results), width))
    shown = capture.get()
    assert not [word for word in LENETS_WORDS if word in shown]
    if width == 160:
        expected = {
            "temporal-order": ("accuracy, pp", "+50.00", "loss, nats", "-0.500", "8 of 8"),
            "bits": ("bits per character", "+0.5", "loss", "-0.500", "0 of 8"),
            "plain": ("loss", "-0.500", "8 of 8"),
        }
        assert all(words in shown for words in expected[name])


def test_how_many_seeds_solved_the_task_is_said_first() -> None:
    results = swept(ORDER)
    lines = text(page(results, summaries(results), comparisons(results), (160, 60), theme()).lines)
    assert "0 of 8" in lines

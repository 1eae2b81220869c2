"""Reports, exports and TensorBoard of experiments other than LeNet go by the names and metrics in the recording."""

from __future__ import annotations

import csv
import html
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import measured
import msgspec
import pytest

from clipwatch.core.reports.blocks import Table
from clipwatch.core.reports.comparison import joint_conclusion
from clipwatch.core.reports.contents import contents
from clipwatch.core.reports.phrases import LANGUAGES, Words
from clipwatch.core.reports.run_summary import RunSummary, summarize_run
from clipwatch.core.reports.settings import settings_table
from clipwatch.core.reports.summary import summary
from clipwatch.core.reports.sweep_document import sweep_contents
from clipwatch.core.reports.sweep_words import answers
from clipwatch.core.reports.webpage import webpage
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.export import COLUMNS, columns, evaluation_rows, write_csv
from clipwatch.core.runs.reader import Recorded
from clipwatch.core.stream.builtin_experiments import LENET, TEMPORAL_ORDER
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import (
    DatasetInfo,
    Evaluated,
    Event,
    LaneFinished,
    LaneStarted,
    RunFinished,
    RunStarted,
)
from clipwatch.core.stream.experiment_info import ExperimentInfo, MetricInfo
from clipwatch.core.stream.sweep_config import SweepConfig, sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, Results, SweepStarted, diverged
from clipwatch.core.sweeps.comparisons import comparisons, summaries
from clipwatch.tui.sweep.console import print_tables
from clipwatch.tui.sweep.progress import Progress

ENGLISH, DASH = Words("en"), "\N{EN DASH}"
# The file does not exist: a report must not need it.
OWN = ExperimentInfo(
    name="Prose",
    examples="characters",
    metrics=(
        MetricInfo("bits-per-character", lower_is_better=True),
        MetricInfo("known-words", share=True, lower_is_better=False),
        MetricInfo("words-written", counts=True),
    ),
    gauges=(MetricInfo("attention-entropy"),),
    file="/home/me/secret/prose.py",
    checksum="a1" * 32,
)
OWN_CONFIG = from_options({"experiment": "/home/me/secret/prose.py:Prose", "settings": {"hidden": 64, "tied": True}})
ORDER_CONFIG = from_options({"experiment": "temporal-order", "learning_rate": 0.2})
OWN_DATA = DatasetInfo(name="Prose", origin="/home/me/secret/prose.py", training=900, validation=100, checksum="b" * 64)
ORDER_DATA = DatasetInfo(name="temporal-order", origin="generated", training=None, validation=1000, checksum="c" * 64)
# What only a report of LeNet may speak of.
LENETS = ("lenet", "assignment", "handwritten", "image", "class 0", "dead output", "out of ten", "mnist")


def own_values(bits: float) -> dict[str, float]:
    return {"bits-per-character": bits, "known-words": 0.25, "words-written": 1234.0}


def run(
    info: ExperimentInfo = OWN,
    config: RunConfig = OWN_CONFIG,
    data: DatasetInfo = OWN_DATA,
    ends: Sequence[Mapping[str, Any]] = ({"metrics": own_values(2.5)}, {"metrics": own_values(2.0)}),
    *more: Event,
) -> list[Event]:
    """A complete run of two lanes, whose last events have these figures; `more` comes before the end."""
    found: list[Event] = [
        RunStarted(config=config, dataset=data, device="cpu", versions={"torch": "2"}, time=0.0, experiment=info)
    ]
    for lane, end in zip(config.lanes, ends, strict=True):
        found.append(LaneStarted(lane=lane.name, step=0, rule=lane.rule, iterations=1000, parameters=3054, seconds=0.0))
        metrics: dict[str, float] = end.get("metrics", {})
        share = end["correct"] / data.validation if "correct" in end else None
        found += [
            Evaluated(lane=lane.name, step=step, loss=1.5, accuracy=share, train_loss=1.5, seconds=1.0, metrics=metrics)
            for step in (0, 990)
        ]
    for lane, end in zip(config.lanes, ends, strict=True):
        shared = {
            "reason": "completed",
            "loss": 1.25,
            "total": data.validation,
            "seconds": 9.0,
            "training_seconds": 8.0,
        }
        found.append(LaneFinished(lane=lane.name, step=1000, **{**shared, **end}))
    return [*found, *more, RunFinished(reason="completed", seconds=9.0)]


def order_run(*more: Event) -> list[Event]:
    return run(TEMPORAL_ORDER.info, ORDER_CONFIG, ORDER_DATA, ({"correct": 254}, {"correct": 1000}), *more)


def gauged(lane: str, step: int, **gauge: float) -> Event:
    bare = msgspec.structs.replace(measured.diagnosed(lane, step, dead=()), dead={}, dead_share=0.0)
    return msgspec.structs.replace(bare, gauge={name.replace("_", "-"): value for name, value in gauge.items()})


def recorded(events: list[Event]) -> Recorded:
    return Recorded(EventTable.of(events), (), 0)


def story(events: list[Event]) -> RunSummary:
    return summarize_run("a-run", recorded(events))


def text(story: RunSummary, language: str = "en") -> str:
    page = webpage(contents([story], Words(language)), language)
    return html.unescape(re.sub(r"<[^>]*>", "", page.partition("<body>")[2])).replace("\xa0", " ")


def replicas(config: SweepConfig, seeds: int, figures: Mapping[int, Mapping[str, Any]]) -> dict[Any, ReplicaFinished]:
    """The replicas of each setting in `figures`, with the same figures for each seed but for a small difference."""
    found: list[ReplicaFinished] = []
    for setting, given in figures.items():
        for seed in range(seeds):
            metrics = {name: value + 0.001 * seed for name, value in given.get("metrics", {}).items()}
            shared = {"reason": "completed", "loss": 1.0, "correct": None, "total": 1000, "dead": (), "step": 9}
            curve = ((5, 1.2, 0.5), (9, 1.1, None))
            found.append(
                ReplicaFinished(setting=setting, seed=seed, **{**shared, "curve": curve, **given, "metrics": metrics})
            )
    return {one.key: one for one in found}


def results(
    config: SweepConfig, found: dict[Any, ReplicaFinished], info: ExperimentInfo, data: DatasetInfo = OWN_DATA
) -> Results:
    started = SweepStarted(config=config, dataset=data, versions={}, time=0.0, experiment=info)
    return Results(started=started, replicas=found)


def sweep_text(found: Results, language: str = "en") -> str:
    page = webpage(sweep_contents("a-sweep", found, (), Words(language)), language)
    return html.unescape(re.sub(r"<[^>]*>", "\n", page.partition("<body>")[2])).replace("\xa0", " ")


OWN_SWEEP = sweep_config(OWN_CONFIG, {"clip": ["none", "norm:1"]}, 6, ())


def own_results(**second: Any) -> Results:
    first = {"metrics": own_values(2.5)}
    return results(OWN_SWEEP, replicas(OWN_SWEEP, 6, {0: first, 1: {"metrics": own_values(2.0), **second}}), OWN)


def table_of(found: Results, heading: str) -> Table:
    """The table after a heading."""
    blocks = sweep_contents("a-sweep", found, (), ENGLISH)
    place = next(place for place, block in enumerate(blocks) if str(getattr(block, "text", "")) == heading)
    return next(block for block in blocks[place:] if isinstance(block, Table))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_of_a_users_experiment_speaks_of_its_metrics_and_not_of_lenet(language: str) -> None:
    measurements = [
        gauged(lane, step, attention_entropy=step / 100) for lane in ("unclipped", "clipped") for step in (990, 50)
    ]
    shown = text(
        story(
            run(
                OWN,
                OWN_CONFIG,
                OWN_DATA,
                *([({"metrics": own_values(2.5)}, {"metrics": own_values(2.0)})]),
                *measurements,
            )
        ),
        language,
    )
    for words in ("bits per character", "known words", "Prose", "1,234", "0.250", "attention entropy", "9.900 (9.900)"):
        assert words in shown, words
    for words in (*LENETS, "wilson", "失活", "准确率"):
        assert words not in shown.lower(), words


def test_a_report_of_a_users_experiment_names_the_file_and_no_folder() -> None:
    shown = text(story(run()))
    assert "prose.py (SHA-256 a1a1a1a1" in shown
    assert "/home/me" not in shown
    (command,) = re.findall("clipwatch sweep .*?(?=, then)", shown)
    assert {"--experiment prose.py:Prose", "--set hidden=64", "--set tied=true"} <= {*re.findall(r"--\w+ \S+", command)}


def test_the_settings_of_a_users_experiment_are_listed_and_compared_with_nothing() -> None:
    table = settings_table(story(run()), ENGLISH)
    assert len(table.header) == 2
    assert ("hidden", "64") in table.rows
    assert ("tied", "True") in table.rows
    assert not any("*" in str(cell) for row in table.rows for cell in row)


def test_settings_of_a_built_in_experiment_are_compared_with_its_defaults() -> None:
    rows = {row[0]: row[1:] for row in settings_table(story(order_run()), ENGLISH).rows}
    assert rows["learning rate"] == ("0.2 *", "0.3")
    assert rows["optimizer"] == ("SGD", "SGD")
    assert rows["initial recurrent weights"] == ("Gaussian", "Gaussian")
    assert rows["training / validation sequences"][0] == "new in every step / 1,000"
    assert "Adam beta1" not in rows


def test_the_second_figure_shows_the_first_metric_and_is_left_out_without_one() -> None:
    shown = text(story(run()))
    assert "Bits per character on 100 validation characters per evaluation" in shown
    bare = msgspec.structs.replace(OWN, metrics=(), gauges=())
    names = [getattr(block, "name", "") for block in contents([story(run(bare, ends=({}, {"loss": 1.0})))], ENGLISH)]
    assert "loss" in names
    assert "metric" not in names
    assert "loss on all 100 validation characters: ● unclipped 1.2500 and ◆ clipped 1.0000." in str(
        summary(story(run(bare, ends=({}, {"loss": 1.0}))), ENGLISH, seed="")[1]
    )


def test_only_counted_predictions_have_an_interval_and_a_verdict() -> None:
    compared, result, gauge = map(
        str, summary(story(order_run(gauged("clipped", 990, saturated=0.003))), ENGLISH, seed="")
    )
    assert "The temporal order problem, SGD, seed 0." in compared
    assert "accuracy on all 1,000 validation sequences: ● unclipped 25.4 % (95 % interval 22.8 to 28.2)" in result
    assert "These two networks differ." in result
    assert gauge == "At the last measurement, saturated units: ◆ clipped 0.3 %."
    result = str(summary(story(run()), ENGLISH, seed="")[1])
    assert result.endswith(
        "bits per character on all 100 validation characters: ● unclipped 2.500 and ◆ clipped 2.000."
    )
    assert "there is no interval that would show whether the two networks differ" in text(story(run()))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_of_the_temporal_order_problem_has_its_own_words(language: str) -> None:
    shown = text(story(order_run(gauged("clipped", 990, saturated=0.71, spectral_radius=7.31))), language)
    for words in ("Pascanu", "Elman", "ln 4", "0.25", "71.0 % (71.0 %)", "7.310"):
        assert words in shown, words
    for words in (*LENETS, "失活"):
        assert words not in shown.lower(), words


def test_lower_is_better_decides_which_lane_is() -> None:
    runs = [story(run(config=msgspec.structs.replace(OWN_CONFIG, seed=seed))) for seed in range(6)]
    sentences = "\n".join(map(str, joint_conclusion(runs, ENGLISH)))
    assert "Mean final bits per character over these 6 seeds: unclipped 2.500" in sentences
    assert "unclipped is better on 0 seeds, clipped on 6" in sentences
    assert "lane clipped is better more often" in sentences


def test_a_metric_that_does_not_say_what_is_better_gets_no_verdict() -> None:
    info = msgspec.structs.replace(OWN, metrics=(MetricInfo("bits-per-character"),))
    runs = [story(run(info, msgspec.structs.replace(OWN_CONFIG, seed=seed))) for seed in range(6)]
    assert len(joint_conclusion(runs, ENGLISH)) == 2
    (answer,) = answers(found := results(OWN_SWEEP, own_results().replicas, info), comparisons(found), ENGLISH)
    assert "lowers bits per character" in str(answer)
    assert "better" not in str(answer)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sweep_of_a_users_experiment_compares_its_metrics(language: str) -> None:
    shown = sweep_text(own_results(), language)
    for words in ("bits per character", "known words", "prose.py", "Prose"):
        assert words in shown, words
    for words in (*LENETS, "nats", "奈特", "/home/me", "失活", "准确率"):
        assert words not in shown.lower(), words


def test_differences_are_in_the_unit_of_the_metric_and_better_is_what_it_says() -> None:
    (compared,) = comparisons(own_results())
    found = {one.metric.name: one for one in compared.differences}
    assert list(found) == ["bits-per-character", "known-words", "words-written", "loss"]
    assert found["bits-per-character"].paired.mean == pytest.approx(-0.5)
    assert found["bits-per-character"].better == 6
    assert found["words-written"].better is None
    (answer,) = answers(own_results(), [compared], ENGLISH)
    assert "Clipping by norm:1 lowers bits per character: -0.500 on average" in str(answer)
    assert str(answer).endswith("better on 6 of 6 seeds.")
    table = table_of(own_results(), "The differences, seed by seed")
    assert [row[1] for row in table.rows] == [
        "bits per character",
        "known words, percentage points",
        "words written",
        "loss",
    ]


def test_shares_are_compared_in_percentage_points() -> None:
    (compared,) = comparisons(own_results(metrics={**own_values(2.0), "known-words": 0.3}))
    assert compared.differences[1].paired.mean == pytest.approx(5)


@pytest.mark.parametrize("missing", [{}, {"bits-per-character": math.nan}])
def test_a_metric_that_one_setting_lacks_is_not_compared(missing: dict[str, float]) -> None:
    found = own_results(metrics=missing)
    (compared,) = comparisons(found)
    assert [one.metric.name for one in compared.differences] == ["loss"]
    assert math.isnan(summaries(found)[1].range[0])
    assert "norm:1" in sweep_text(found)


ORDER = from_options({"experiment": "temporal-order"})
GRID = sweep_config(ORDER, {"clip": ["none", "norm:1"], "learning_rate": [0.03, 0.3]}, 4, ())


def order_results(seeds: int = 4) -> Results:
    """Solved: half of the seeds of `none` at the low rate, all of `norm:1` at the high one, of which one diverged."""
    found = replicas(GRID, seeds, {0: {"correct": 1000}, 1: {"correct": 250}, 2: {"correct": 985}, 3: {"correct": 990}})
    for seed in range(seeds // 2):
        found[0, seed] = msgspec.structs.replace(found[0, seed], correct=600)
    found[3, 0] = diverged(3, 0, 5, 1000, ())
    return results(GRID, found, TEMPORAL_ORDER.info, ORDER_DATA)


def test_a_seed_solves_the_task_at_the_threshold_and_not_below() -> None:
    solved = {one.setting.number: (one.solved, one.trained) for one in summaries(order_results())}
    # 985 of 1,000 are not 99 %, 990 are; a replica that diverged solved nothing.
    assert solved == {0: (2, 4), 1: (0, 4), 2: (0, 4), 3: (3, 4)}
    lower = MetricInfo("bits", lower_is_better=True, solved_at=1.0)
    assert [lower.solves(value) for value in (0.9, 1.0, 1.1, math.nan)] == [True, True, False, False]
    assert summaries(own_results())[0].solved is None


def test_the_printed_sweep_says_once_how_many_seeds_solved_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    print_tables(order_results(), Progress(16), None, "a-sweep")
    assert capsys.readouterr().out.count("Seeds that solved") == 1


def test_the_report_of_a_sweep_says_how_many_seeds_solved_the_task() -> None:
    shown = sweep_text(order_results())
    shares = f"not clipped, learning rate 0.03: 2 of 4 (0.15{DASH}0.85); not clipped, learning rate 0.3: 0 of 4"
    assert f"Seeds that solved the task (accuracy at least 0.99 at the end): {shares}" in shown
    assert "Seeds that solved" in str(answers(order_results(), comparisons(order_results()), ENGLISH)[-1])
    table = table_of(order_results(), "The distributions")
    assert [row[table.header.index("solved")] for row in table.rows][-1] == f"3 of 4 (0.30{DASH}0.95)"
    assert "Seeds that solved" not in sweep_text(own_results())
    assert "solved" not in table_of(own_results(), "The distributions").header


def test_the_table_of_sensitivity_has_a_row_for_each_rate_and_a_column_for_each_rule() -> None:
    table = table_of(order_results(), "Sensitivity")
    assert table.header == ("learning rate", "not clipped", "norm:1")
    assert table.rows == (
        ("0.03", "0.800 (2 of 4)", "0.985 (0 of 4)"),
        ("0.3", "0.250 (0 of 4)", "0.990 (3 of 4), 1 diverged"),
    )
    assert "The best learning rate for each clip rule: not clipped: 0.03; norm:1: 0.3." in sweep_text(order_results())


def test_the_best_of_that_table_is_what_the_metric_calls_better_and_all_that_are_equal() -> None:
    config = sweep_config(OWN_CONFIG, {"learning_rate": [0.1, 0.2, 0.3], "batch_size": [8, 16]}, 2, ())
    bits = {0: 2.0, 1: 3.0, 2: 2.0, 3: 1.0, 4: 2.5, 5: 1.5}
    figures = {setting: {"metrics": own_values(value)} for setting, value in bits.items()}
    shown = sweep_text(results(config, replicas(config, 2, figures), OWN))
    assert "for each batch size: batch size 8: 0.1 and 0.2; batch size 16: 0.2." in shown


@pytest.mark.parametrize(
    "axes", [{"clip": ["none", "norm:1"]}, {"clip": ["none", "norm:1"], "init": ["gaussian", "orthogonal"]}]
)
def test_only_two_axes_of_numbers_or_rules_have_that_table(axes: dict[str, list[Any]]) -> None:
    config = sweep_config(ORDER, axes, 2, ())
    figures = {setting.number: {"correct": 300} for setting in config.settings}
    assert "Sensitivity" not in sweep_text(
        results(config, replicas(config, 2, figures), TEMPORAL_ORDER.info, ORDER_DATA)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_axis_may_be_any_setting_of_a_users_experiment(language: str) -> None:
    config = sweep_config(OWN_CONFIG, {"hidden": [64, 128], "head": ["relu", "tanh"]}, 2, ())
    figures = {setting.number: {"metrics": own_values(2.0)} for setting in config.settings}
    shown = sweep_text(results(config, replicas(config, 2, figures), OWN), language)
    assert "128" in shown
    assert "tanh" in shown


def test_a_table_of_evaluations_has_the_metrics_and_gauges_of_the_experiment(tmp_path: Path) -> None:
    write_csv(
        recorded(
            run(
                OWN,
                OWN_CONFIG,
                OWN_DATA,
                ({"metrics": own_values(2.5)}, {"metrics": own_values(2.0)}),
                gauged("clipped", 990, attention_entropy=3.5),
            )
        ),
        tmp_path / "run.csv",
    )
    with (tmp_path / "run.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    last = next(row for row in rows if row["lane"] == "clipped" and row["step"] == "990")
    assert (last["validation_bits_per_character"], last["gauge_attention_entropy"]) == ("2.0", "3.5")
    assert rows[-1]["row"] == "final"
    assert rows[-1]["validation_known_words"] == "0.25"
    assert not {"validation_accuracy", "dead_0", "dead_units"} & {*rows[0]}


def test_a_metric_that_the_experiment_did_not_announce_has_a_column_too() -> None:
    found = recorded(run(ends=({"metrics": {"surprise": 1.0}}, {"metrics": {}})))
    assert "validation_surprise" in columns(found)
    assert evaluation_rows(found)[0]["validation_surprise"] == 1.0


def test_lenets_table_has_the_columns_of_earlier_versions() -> None:
    data = DatasetInfo(name="mnist", origin="files", training=55000, validation=5000, checksum="c" * 64)
    found = recorded(run(LENET.info, RunConfig(), data, ({"correct": 1}, {"correct": 2})))
    assert columns(found) == COLUMNS
    assert evaluation_rows(found)[-1]["validation_accuracy"] == 2 / 5000
    assert "validation_accuracy" in columns(recorded(order_run()))


# TensorBoard's reader multiplies by the upper limit of the last bucket.
@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(
    ("events", "parameters", "weights"),
    [
        (run(), 10, {"parameters"}),
        (order_run(), 3054, {"input/weight", "recurrent/weight", "recurrent/bias", "output/weight", "output/bias"}),
    ],
)
def test_tensorboard_has_tags_for_metrics_gauges_and_weights(
    events: list[Event], parameters: int, weights: set[str], tmp_path: Path
) -> None:
    pytest.importorskip("tensorboard", reason="reads back what is written for TensorBoard")
    import torch
    from test_tensorboard import board_of, reader

    board = board_of(tmp_path, *events[:-1], gauged("clipped", 990, some_gauge=0.5))
    board._lanes["clipped"].keep(1000, torch.arange(parameters).float())  # pyright: ignore[reportPrivateUsage]
    board.close()
    read = reader(tmp_path / "run" / "clipped")
    tags = read.Tags()
    metrics = {name for event in events if isinstance(event, Evaluated) for name in event.metrics} or {"accuracy"}
    assert {f"{name}/{kind}" for name in (*metrics, "loss") for kind in ("validation", "validation_all")} <= {
        *tags["scalars"]
    }
    assert read.Scalars("gauge/some-gauge")[0].value == 0.5
    assert not any(tag.startswith("dead/") for tag in tags["scalars"])
    assert {tag for tag in tags["histograms"] if not tag.startswith("gradient/")} == weights
    assert not tags["graph"]
    assert not tags["images"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_that_happens_to_be_a_key_of_other_texts_is_only_a_name(language: str) -> None:
    words = Words(language)
    assert words.known("task_own", "own") == "own"
    assert words.known("task_temporal-order", "", units=50) == ""


def test_the_console_says_once_how_many_seeds_solved_the_task(capsys: pytest.CaptureFixture[str]) -> None:
    print_tables(order_results(), Progress(16), None, "folder")
    assert capsys.readouterr().out.count("Seeds that solved the task") == 1


def test_without_a_gauge_the_summary_ends_with_what_one_seed_is_worth() -> None:
    assert str(summary(story(run()), ENGLISH, seed=ENGLISH.plain("summary_one_seed"))[-1]).startswith(
        "One seed says nothing"
    )


@pytest.mark.parametrize("own", [False, True])
def test_the_settings_name_an_optimizer_only_if_the_run_decided_it(own: bool) -> None:
    info = msgspec.structs.replace(OWN, own_optimizer=own)
    story_told = story(run(info))
    names = {row[0] for row in settings_table(story_told, ENGLISH).rows}
    assert names.isdisjoint({"optimizer", "learning rate", "Adam beta1"}) is own
    assert ("The experiment's own optimizer updates the parameters" in text(story_told)) is own


def test_steps_that_were_added_count_among_the_settings() -> None:
    events = run()
    resumed = [
        LaneStarted(lane=lane.name, step=1000, rule=lane.rule, iterations=3000, parameters=3054, seconds=9.0)
        for lane in OWN_CONFIG.lanes
    ]
    table = settings_table(story([*events[:-1], *resumed, events[-1]]), ENGLISH)
    assert ("iterations", "3000") in {row[:2] for row in table.rows}


def test_values_that_no_axis_can_hold_are_left_out_of_the_figures() -> None:
    ends = [{"metrics": own_values(1.7e308)}, {"metrics": own_values(-1.7e308)}]
    assert "bits per character" in text(story(run(ends=ends)))

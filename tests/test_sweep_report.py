"""The report of a sweep."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from test_sweep import DIGITS, replica, started

from clipwatch.core.reports.blocks import Table
from clipwatch.core.reports.phrases import LANGUAGES, Words
from clipwatch.core.reports.sweep_document import report_sweep, sweep_contents
from clipwatch.core.reports.sweep_figures import curve_figure, difference_figure
from clipwatch.core.reports.sweep_words import setting_words, value_words
from clipwatch.core.reports.webpage import webpage
from clipwatch.core.stream.config import KEYS
from clipwatch.core.stream.sweep_config import NO_AXIS, sweep_config
from clipwatch.core.stream.sweep_events import Results
from clipwatch.core.sweeps.comparisons import comparisons, summaries
from clipwatch.core.sweeps.pairs import common_name
from clipwatch.core.sweeps.store import SweepFolder, SweepWriter, create_sweep, read_sweep
from clipwatch.tui.cli.main import main

CONFIG = sweep_config(DIGITS, {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}, 7, ())


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    pytest.importorskip("matplotlib", reason="the report's figures need matplotlib")
    folder = create_sweep(tmp_path, "digits", 0.0)
    curve = ((100, 2.0, 0.3), (200, 1.0, 0.6))
    with SweepWriter(folder) as writer:
        writer.write(started(CONFIG))
        for seed in range(6):
            for setting in range(4):
                dead = tuple(range(seed % 3)) if setting % 2 == 0 else ()
                writer.write(replica(setting, seed, 220 - 30 * len(dead) + 10 * setting, curve=curve, dead=dead))
    return folder.path


def test_it_has_question_answer_figures_cause_and_method(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.md"
    assert report_sweep(SweepFolder(sweep), output, None, "en") == output
    text = output.read_text(encoding="utf-8")
    for heading in (
        "question",
        "answer",
        "distributions",
        "cause: dead outputs",
        "One run among all seeds",
        "Method",
    ):
        assert heading in text
    assert "The sweep is not finished" in text
    assert "4 comparisons are exploratory. n = 6 is too few" in text
    assert "| not clipped, ReLU on the logits | 0: 0.73 (2), 1: 0.63 (2), 2: 0.53 (2) | -1.00 |" in text
    assert "seed 0: accuracy 0.733; dead outputs: 0; seeds that ended lower: 4 of 6" in text
    for picture in ("distributions", "differences", "curves"):
        assert (tmp_path / f"out-{picture}.svg").read_text(encoding="utf-8").startswith("<svg")


def test_shares_of_seeds_have_intervals_and_the_limits_of_the_method_are_stated(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.md"
    report_sweep(SweepFolder(sweep), output, None, "en")
    text = output.read_text(encoding="utf-8")
    assert "| 6 of 6 (0.61\N{EN DASH}1.00) |" in text
    assert "Stopping early because of the results makes p look smaller than it is." in text
    assert "it is not adjusted for the number of comparisons" in text
    assert "Whatever the seed does to both alike cancels" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_units_are_explained_beside_the_table_that_has_them(language: str, sweep: Path, tmp_path: Path) -> None:
    output, words = tmp_path / "out.md", LANGUAGES[language]
    report_sweep(SweepFolder(sweep), output, None, language)
    text = output.read_text(encoding="utf-8")
    table = text.index(f"| {words['sweep_loss_nats']} |")
    explained = [text.index(words[f"sweep_unit_{unit}"][:20]) for unit in ("points", "nats", "r")]
    assert table < explained[0] < explained[1] < explained[2] < text.index(f"## {words['sweep_one_run']}")
    assert "| r |" in text[text.index(words["sweep_cause_text"][:20]) :]


def test_the_explanation_of_nats_is_right(sweep: Path) -> None:
    text = webpage(sweep_contents("it", read_sweep(SweepFolder(sweep)).results, (), Words("en")), "en")
    assert f"ln 10 = {np.log(10):.3f}" in text
    assert f"+{np.log(2):.3f} (ln 2)" in text


@pytest.mark.parametrize("key", sorted(LANGUAGES["zh"]))
def test_chinese_sentences_have_chinese_punctuation(key: str) -> None:
    ideograph = "[\N{CJK UNIFIED IDEOGRAPH-4E00}-\N{CJK UNIFIED IDEOGRAPH-9FFF}]"
    assert not re.search(rf"{ideograph}[,;:?!(]|[,;:?!)]{ideograph}", LANGUAGES["zh"][key])


def test_it_is_one_page_of_html(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.html"
    report_sweep(SweepFolder(sweep), output, None, "en")
    assert output.read_text(encoding="utf-8").count("<svg") == 3


@pytest.mark.parametrize(
    ("axes", "charts"),
    [
        ({"clip": ["none"]}, 1),
        ({"clip": ["none"], "head": ["relu", "linear"]}, 1),
        ({"clip": ["none", "sign", "norm:1"], "head": ["relu", "linear"], "optimizer": ["adam", "sgd"]}, 8),
    ],
)
def test_every_pair_of_the_first_axis_has_its_own_chart_with_its_two_bands(axes, charts: int, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the report's figures need matplotlib")
    config = sweep_config(DIGITS, axes, 2, ())
    curve = ((100, 2.0, 0.3), (200, 1.0, 0.6))
    replicas = [replica(one.number, seed, curve=curve) for one in config.settings for seed in range(2)]
    results = Results(started=started(config), replicas={one.key: one for one in replicas})
    compared = comparisons(results)
    figure = curve_figure(results, compared, Words("en"), "curves")
    assert figure.count('id="curves-axes_') == charts
    assert figure.count('id="curves-FillBetweenPolyCollection_') == min(2, len(config.settings)) * charts
    for one in compared[:charts]:
        assert common_name(one.axis, one.other) in figure


def test_row_labels_of_two_lines_are_right_aligned_in_any_font(sweep: Path) -> None:
    results = read_sweep(SweepFolder(sweep)).results
    figure = difference_figure(comparisons(results), Words("en"), "differences")
    for line in ("value:0.001 vs. not clipped", "(ReLU on the logits)"):
        assert re.search(rf"<text[^>]*text-anchor: end[^>]*>{re.escape(line)}</text>", figure)


def test_one_setting_is_not_called_several() -> None:
    pytest.importorskip("matplotlib", reason="the report's figures need matplotlib")
    alone = Results(started=started(sweep_config(DIGITS, {"clip": ["none"]}, 1, ())), replicas={(0, 0): replica(0, 0)})
    page = webpage(sweep_contents("it", alone, (), Words("en")), "en")
    assert "One setting, many seeds" in page
    assert "1 settings" not in page


def test_in_print_a_figure_of_many_rows_keeps_its_height(sweep: Path) -> None:
    page = webpage(sweep_contents("it", read_sweep(SweepFolder(sweep)).results, (), Words("en")), "en")
    assert page.count('class="tall"') == 3
    assert ".tall svg { max-height: 230mm; }" in page


def test_two_sweeps_in_one_report_are_refused(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(sweep), str(sweep)]) == 2
    assert "a sweep cannot be combined" in capsys.readouterr().err


def test_in_chinese_nothing_is_left_in_english(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.md"
    report_sweep(SweepFolder(sweep), output, None, "zh")
    text = output.read_text(encoding="utf-8")
    for words in (
        "问题",
        "回答",
        "4 项比较仅供探索",
        "logits 不接 ReLU",
        "不裁剪、logits 接 ReLU",
        "至少需要 8 个种子",
        "失活",
        "方法",
    ):
        assert words in text
    for picture in ("distributions", "differences", "curves"):
        text += (tmp_path / f"out-{picture}.svg").read_text(encoding="utf-8")
    assert "失活输出数" in text
    for words in ("clipped", "head", "relu", "linear", "seed", "accuracy", "dead", "points", "training", " of "):
        assert words not in re.sub(r"\w*-?sweep-\w+|<[^>]*>|\{[^}]*\}", "", text), words


def test_settings_have_the_same_names_everywhere() -> None:
    config = sweep_config(
        DIGITS, {"clip": ["none", "sign"], "optimizer": ["adam", "sgd"], "init_std": [0.1, 0.2]}, 2, ()
    )
    assert [setting_words(setting, Words("en")) for setting in config.settings] == [one.name for one in config.settings]


@pytest.mark.parametrize("axis", sorted(set(KEYS) - NO_AXIS - {"clip", "head"}))
def test_every_axis_has_a_name_in_chinese(axis: str) -> None:
    assert value_words(axis, 1, Words("zh"))


def test_the_medians_are_those_of_the_summaries(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.md"
    report_sweep(SweepFolder(sweep), output, None, "en")
    (summary, *_) = summaries(read_sweep(SweepFolder(sweep)).results)
    assert summary.median_by_dead == {
        0: (pytest.approx(220 / 300), 2),
        1: (pytest.approx(190 / 300), 2),
        2: (pytest.approx(160 / 300), 2),
    }
    assert f"| {np.median(summary.main):.3f} |" in output.read_text(encoding="utf-8")


def test_a_setting_that_always_diverged_is_reported(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the report's figures need matplotlib")
    folder = create_sweep(tmp_path, "digits", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(started(CONFIG))
        writer.write(replica(0, 0))
        writer.write(replica(2, 0, reason="diverged", loss=None, correct=None))
    output = tmp_path / "out.md"
    report_sweep(folder, output, None, "en")
    assert "value:0.001, ReLU on the logits: trainings left out because they diverged: 1." in output.read_text(
        encoding="utf-8"
    )


def test_a_number_in_a_table_is_not_broken_over_two_lines() -> None:
    table = Table(
        ("a", "b", "c"), (("~<0.0001", "-21.45 (-29.06 to -16.67)", "0: 0.91 (2), 1: 0.83 (7), 2: 0.77 (9)"),)
    )
    page = webpage([table], "en")
    assert '<td class="number">~&lt;0.0001</td><td class="number">-21.45' in page
    assert "<td>0: 0.91 (2), 1: 0.83 (7), 2: 0.77 (9)</td>" in page


def test_no_path_of_this_machine_is_printed(sweep: Path, tmp_path: Path) -> None:
    results = read_sweep(SweepFolder(sweep)).results
    info = msgspec.structs.replace(results.started.dataset, origin="files in /home/me/mnist")
    results = msgspec.structs.replace(results, started=msgspec.structs.replace(results.started, dataset=info))
    assert "/home/me" not in webpage(sweep_contents("it", results, (), Words("en")), "en")


def test_a_unit_in_a_table_is_not_broken_over_two_lines() -> None:
    table = Table(("difference", "unit"), (("a long comparison", "百分点"),))
    assert '<td>a long comparison</td><td class="number">百分点</td>' in webpage([table], "zh")

"""The report of runs: every printed line, figures of every lane, and only conclusions that the results support."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Any
from xml.etree import ElementTree

import msgspec
import program
import pytest
import recordings
from hypothesis import given
from hypothesis import strategies as st
from measured import diagnosed

from clipwatch.core.errors import ClipwatchError
from clipwatch.core.reports.blocks import Warnings
from clipwatch.core.reports.comparison import joint_conclusion, sign_test
from clipwatch.core.reports.conclusion import conclusion
from clipwatch.core.reports.contents import contents
from clipwatch.core.reports.document import write_report
from clipwatch.core.reports.drawing import line_style
from clipwatch.core.reports.figures import loss_figure, metric_figure, overview_figure
from clipwatch.core.reports.lane_marks import LaneLabel
from clipwatch.core.reports.markdown import markdown
from clipwatch.core.reports.phrases import LANGUAGES, Words
from clipwatch.core.reports.run_summary import RunSummary, summarize_run
from clipwatch.core.reports.stylesheet import STYLESHEET
from clipwatch.core.reports.summary import summary
from clipwatch.core.reports.webpage import webpage
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.reader import Recorded
from clipwatch.core.statistics.intervals import wilson_interval
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.evaluation_line import evaluation_line
from clipwatch.core.stream.events import (
    ClipChanged,
    DatasetInfo,
    Evaluated,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LaneStarted,
    Notice,
    RunFinished,
    RunStarted,
)
from clipwatch.tui.live.screenshot import picture
from clipwatch.tui.style.theme import theme_of

ENGLISH = Words("en")
DASH = "\N{EN DASH}"
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</style><script>alert("1")</script>&`code`|*x* [a](b) {brace} ![i](u)'


def evaluated(lane: str, step: int, loss: float = 1.0, accuracy: float = 0.5) -> Evaluated:
    return Evaluated(lane=lane, step=step, loss=loss, accuracy=accuracy, train_loss=1.5, seconds=1.0)


def finished(lane: str, correct: int, step: int = 1000, **changes: Any) -> LaneFinished:
    end = {"reason": "completed", "loss": 0.8, "total": 5000, "seconds": 9.0, "training_seconds": 8.0}
    return LaneFinished(lane=lane, step=step, correct=correct, **{**end, **changes})


def events(
    *more: Event, a: int = 3860, b: int = 2842, seed: int = 0, dataset: str = "mnist", config: RunConfig | None = None
) -> list[Event]:
    """A complete run whose lanes end with `a` and `b` of 5,000 images correct; `more` comes before the end."""
    config = config or RunConfig(seed=seed)
    data = DatasetInfo(name=dataset, origin="files", training=55000, validation=5000, checksum="c" * 64)
    versions = {"torch": "2"}
    start: list[Event] = [RunStarted(config=config, dataset=data, device="cpu", versions=versions, time=0.0)]
    for lane, correct in zip(config.lanes, (a, b), strict=True):
        start.append(
            LaneStarted(lane=lane.name, step=0, rule=lane.rule, iterations=1000, parameters=61706, seconds=0.0)
        )
        start += [evaluated(lane.name, step, 2.3 - step / 1000, correct / 5000) for step in range(0, 1000, 100)]
    ends = [finished(lane.name, correct) for lane, correct in zip(config.lanes, (a, b), strict=True)]
    return [*start, *more, *ends, RunFinished(reason="completed", seconds=9.0)]


def story_of(recorded_events: list[Event], *damage: str) -> RunSummary:
    return summarize_run("a-run", Recorded(EventTable.of(recorded_events), damage, 0))


def page(*runs: RunSummary, language: str = "en") -> str:
    return webpage(contents(runs, Words(language)), language)


def text(document: str) -> str:
    """The visible text of a page."""
    return html.unescape(re.sub(r"<[^>]*>", "", document))


def conclusions(recorded_events: list[Event], *, alone: bool = False) -> str:
    return "\n".join(map(str, conclusion(story_of(recorded_events), ENGLISH, alone=alone)))


def keys(recorded_events: list[Event]) -> set[str]:
    """The keys of the phrases in a conclusion."""
    templates = {template: key for key, template in LANGUAGES["en"].items()}
    return {templates[sentence.template] for sentence in conclusion(story_of(recorded_events), ENGLISH, alone=False)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_printed_line_appears_once_for_each_lane(language: str) -> None:
    recorded_events = events()
    read = text(page(story_of(recorded_events), language=language))
    for event in recorded_events:
        if isinstance(event, Evaluated):
            assert evaluation_line(event) in read
    assert read.count("Step: 900 validation accuracy") == 2


def test_lines_of_one_step_are_side_by_side() -> None:
    rows = re.findall(r"<tr>(.*?)</tr>", page(story_of(events())).split('class="log"')[1])
    assert len(rows) == 1 + 10
    assert all(row.count("Step: ") == 2 and len(set(re.findall(r"Step: (\d+)", row))) == 1 for row in rows[1:])


def test_a_line_that_a_resumed_run_printed_again_appears_once() -> None:
    run = story_of(events(evaluated("clipped", 900, 9.0)))
    assert [event.loss for event in run.lanes[1].evaluations if event.step == 900] == [9.0]


def test_the_page_is_one_well_formed_file_that_loads_nothing() -> None:
    document = page(story_of(events()))
    body = document[document.index("<body>") : document.index("</html>")].replace("&nbsp;", " ")
    ElementTree.fromstring(body.strip())
    assert "<script" not in document
    assert not re.search(r"""(src|href)=["'](?!#)""", document)
    assert not re.search(r"url\((?!#)|@import", document)
    assert "default-src 'none'" in document
    names = re.findall(r'\bid="([^"]+)"', document)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("draw", [loss_figure, metric_figure])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_figure_is_svg_with_every_lane_and_is_reproducible(draw: Any, language: str) -> None:
    run = story_of(events(ClipChanged(lane="clipped", step=300, rule="none", previous="value:0.001")))
    figure = draw(run, Words(language), "x")
    root = ElementTree.fromstring(figure)
    assert root.tag == f"{SVG}svg"
    words = {element.text for element in root.iter(f"{SVG}text")}
    assert {"unclipped", "clipped", Words(language).plain("step")} <= words
    assert figure == draw(run, Words(language), "x")
    assert "date" not in figure.lower()


def test_lanes_differ_in_line_style_and_marker_as_well_as_in_colour() -> None:
    root = ElementTree.fromstring(loss_figure(story_of(events()), ENGLISH, "x"))
    curves = [
        str(path.get("style")) for path in root.iter(f"{SVG}path") if "stroke-width: 1.7" in str(path.get("style"))
    ]
    assert len({"dasharray" in style for style in curves}) == 2
    assert len({style.split("stroke: ")[1][:7] for style in curves}) == 2
    shapes = {use.get("{http://www.w3.org/1999/xlink}href") for use in root.iter(f"{SVG}use")}
    assert len(shapes) >= 4


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e9, 0.0])
def test_any_loss_can_be_drawn(loss: float) -> None:
    run = story_of(events(evaluated("clipped", 950, loss)))
    ElementTree.fromstring(loss_figure(run, ENGLISH, "x"))
    assert evaluation_line(evaluated("clipped", 950, loss)) in text(page(run))


def test_a_logarithmic_scale_is_labelled() -> None:
    assert "loss (logarithmic)" in loss_figure(story_of(events(evaluated("clipped", 950, 1e9))), ENGLISH, "x")
    assert "logarithmic" not in loss_figure(story_of(events()), ENGLISH, "x")


def test_a_lane_may_have_any_name() -> None:
    config = RunConfig(lanes=(LaneConfig("_hidden", "none"), LaneConfig("剪裁", "value:0.01")))
    run = story_of(events(config=config))
    words = {element.text for element in ElementTree.fromstring(loss_figure(run, ENGLISH, "x")).iter(f"{SVG}text")}
    assert {"_hidden", "剪裁"} <= words


def test_the_final_accuracy_has_its_interval() -> None:
    low, high = wilson_interval(3860, 5000)
    sentences = conclusions(events())
    assert f"accuracy 0.772 (95 % interval {low:.3f} to {high:.3f}) at a loss of 0.8000" in sentences
    assert f"0.772 ({low:.3f}{DASH}{high:.3f})" in text(page(story_of(events())))


@pytest.mark.parametrize(
    ("recorded_events", "expected"),
    [
        (events(), {"final_of", "disjoint"}),
        (events(a=3000, b=3001), {"final_of", "overlap"}),
        (events(a=3000, b=3000), {"final_of", "same"}),
        (
            events(ClipChanged(lane="clipped", step=300, rule="none", previous="value:0.001")),
            {"final_of", "disjoint", "changed_mid_run"},
        ),
        (events(LaneExtended(lane="clipped", step=900, iterations=1000)), {"final_of", "disjoint", "changed_mid_run"}),
        (events(dataset="digits"), {"final_of", "disjoint", "digits"}),
        (events(dataset="kmnist"), {"final_of", "disjoint", "not_mnist"}),
        (events()[:-2], {"final_of", "no_final_unfinished"}),
        (
            [*events()[:-2], LaneFailed(lane="clipped", step=20, reason="diverged", cause="loss nan", seconds=1.0)],
            {"final_of", "no_final_failed"},
        ),
        ([*events()[:-2], finished("clipped", 9, 500, reason="stopped")], {"final_of", "disjoint", "uneven"}),
    ],
)
def test_the_conclusion_matches_the_results(recorded_events: list[Event], expected: set[str]) -> None:
    assert keys(recorded_events) == expected


def test_if_intervals_do_not_overlap_the_better_network_is_named_and_no_rule_is() -> None:
    assert "the network of lane unclipped is more accurate" in conclusions(events())
    assert "the network of lane clipped is more accurate" in conclusions(events(a=100, b=4000))
    assert "not for their clip rules" in conclusions(events())


def test_a_report_of_one_run_warns_about_its_single_seed_and_says_what_to_do() -> None:
    alone = conclusions(events(), alone=True)
    assert "A single seed cannot separate" in alone
    assert "clipwatch sweep --dataset mnist --head relu --optimizer adam --clip none --clip value:0.001" in alone
    assert "clipwatch report SWEEP" in alone
    assert "A single seed" not in text(page(story_of(events()), story_of(events(seed=1))))


# The summary


def summary_of(recorded_events: list[Event], *, alone: bool = True, language: str = "en") -> list[str]:
    words = Words(language)
    seed = words.plain("summary_one_seed") if alone else ""
    return [str(phrase) for phrase in summary(story_of(recorded_events), words, seed=seed)]


def with_dead(a: tuple[int, ...] | None, b: tuple[int, ...] | None, /, **correct: Any) -> list[Event]:
    """A run whose lanes end with these dead outputs."""
    dead = {"unclipped": a, "clipped": b}
    return [
        msgspec.structs.replace(event, silent_outputs=dead[event.lane]) if isinstance(event, LaneFinished) else event
        for event in events(**correct)
    ]


def test_the_report_opens_with_what_was_compared_what_came_out_and_why() -> None:
    compared, result, cause = summary_of(with_dead((2, 8), (0, 2, 4, 5, 8)))
    assert "● unclipped (clip rule: none) and ◆ clipped (clip rule: elements clipped to [-0.001, 0.001])" in compared
    assert "LeNet with ReLU on the logits on MNIST, Adam, seed 0." in compared
    low, high = wilson_interval(3860, 5000)
    assert f"● unclipped 77.2 % (95 % interval {100 * low:.1f} to {100 * high:.1f})" in result
    assert "all 5,000 validation images" in result
    assert result.endswith("These two networks differ.")
    assert cause.startswith("Why: dead outputs")
    assert "● unclipped 2 of 10 and ◆ clipped 5 of 10. One seed says nothing about clipping" in cause
    read = text(page(story_of(with_dead((2, 8), (0, 2, 4, 5, 8))))).replace("\N{NO-BREAK SPACE}", " ")
    places = [
        read.index(words) for words in (compared, result, cause, "\nTask", "\nConclusion", "\nNetwork and settings")
    ]
    assert places == sorted(places)
    assert read.index("\nNetwork and settings") < read.index("\nPrinted training log")


@pytest.mark.parametrize(
    ("dead", "correct", "is_cause"),
    [
        (((), (1,)), {"a": 4000, "b": 3000}, True),
        (((), (1,)), {"a": 3000, "b": 4000}, False),  # more dead outputs, but more accurate
        (((1,), (2,)), {"a": 4000, "b": 3000}, False),
        (((), (1,)), {"a": 3001, "b": 3000}, False),  # the intervals overlap
    ],
)
def test_dead_outputs_are_called_the_cause_only_where_they_explain_the_result(
    dead: tuple[tuple[int, ...], ...], correct: dict[str, int], is_cause: bool
) -> None:
    *_, cause = summary_of(with_dead(*dead, **correct))
    assert cause.startswith("Why: ") is is_cause
    assert "◆ clipped 1 of 10" in cause


def test_the_summary_says_what_is_not_known_or_not_comparable() -> None:
    assert "Whether outputs died is not recorded." in summary_of(events())[2]
    assert summary_of(with_dead((), ()))[2].startswith("No output is dead in any lane.")
    plain = [
        msgspec.structs.replace(event, config=RunConfig(settings={"head": "linear"}))
        if isinstance(event, RunStarted)
        else event
        for event in with_dead((), ())
    ]
    assert summary_of(plain)[2].startswith("With plain logits no output can die.")
    measured = [diagnosed("unclipped", 50), diagnosed("clipped", 50)]
    for recorded, shown in ((with_dead((), ()), True), (plain, False)):
        gauges = story_of([*recorded, *measured]).gauges
        assert ("dead-outputs" in [gauge.name for gauge in gauges]) is shown
    assert "One seed" not in summary_of(events(), alone=False)[2]
    assert summary_of(events(a=3000, b=3001))[1].endswith("these two networks are not shown to differ.")
    assert summary_of(events(a=3000, b=3000))[1].endswith("Both lanes are identical throughout.")
    change = ClipChanged(lane="clipped", step=300, rule="none", previous="value:0.001")
    changed = summary_of(events(change))[0]
    assert "elements clipped to [-0.001, 0.001], changed mid-run" in changed
    assert "not a clean comparison" in changed
    failed = LaneFailed(lane="clipped", step=20, reason="diverged", cause="loss nan", seconds=1.0)
    assert "◆ clipped diverged at step 20" in summary_of([*events()[:-2], failed])[1]
    assert "◆ clipped ends after" in summary_of(events()[:-2])[1]
    assert "no lane has a final result" in summary_of(events()[:-3])[1]


def test_each_of_many_lanes_is_compared_with_the_first() -> None:
    lanes = tuple(LaneConfig(name, "none") for name in "abcde")
    begun = events(config=RunConfig(lanes=lanes[:2]))[0]
    assert isinstance(begun, RunStarted)
    begun = msgspec.structs.replace(begun, config=RunConfig(lanes=lanes))
    ends = [finished(name, correct) for name, correct in zip("abcde", (4000, 4001, 3000, 2000, 4000), strict=True)]
    starts = [
        LaneStarted(lane=lane.name, step=0, rule="none", iterations=1000, parameters=1, seconds=0.0) for lane in lanes
    ]
    result = summary_of([begun, *starts, *ends, RunFinished(reason="completed", seconds=9.0)])[1]
    assert "Networks that differ from that of ● a: ▲ c and ■ d." in result
    assert "Not shown to differ from that of ● a, because the intervals overlap: ◆ b." in result
    assert "Identical to ● a throughout: ● e." in result


def test_several_runs_open_with_what_they_say_together() -> None:
    read = text(page(*(story_of(events(seed=seed)) for seed in range(6))))
    assert read.index("is better more often than chance") < read.index("\nTask") < read.index("\nAll runs")
    assert "One seed says nothing" not in read


def test_symbols_and_colours_are_those_of_the_screen() -> None:
    variables = dict.fromkeys(("surface", "foreground", "foreground-muted", "warning", "panel"), "#ffffff")
    screen = theme_of(variables, dark=False, coloured=True, ascii=False)
    for number in range(8):
        label = LaneLabel(number, "x")
        assert label.symbol == screen.glyphs.symbol(number)
        assert line_style(number)["marker"] == {"●": "o", "◆": "D", "▲": "^", "■": "s"}[label.symbol]
        assert label.colour == screen.lane_colour(number).lower() == line_style(number)["color"]
    document = page(story_of(events()))
    for symbol, colour, name in (("●", "#2657c9", "unclipped"), ("◆", "#b45309", "clipped")):
        # In the summary, the table of results and the training log.
        assert document.count(f'<span style="color: {colour}">{symbol}</span>&nbsp;{name}') >= 4
    written = markdown(contents([story_of(events())], ENGLISH), {"loss": "l", "accuracy": "a"})
    assert "| ◆ clipped |" in written


def test_changes_mid_run_are_listed_with_their_steps() -> None:
    change = ClipChanged(lane="clipped", step=300, rule="none", previous="value:0.001")
    read = page(story_of(events(change, change)))
    rows = re.findall(r"<tr>(.*?)</tr>", read)
    assert sum("300" in row and "clip rule: elements clipped to [-0.001, 0.001] → none" in row for row in rows) == 1
    assert "changed mid-run" in read


def test_the_first_difference_of_lanes_is_reported() -> None:
    sentences = text(page(story_of(events())))
    assert "loss or metrics first differ in the evaluation at step 0, possibly only in digits" in sentences
    assert "identical at all 10 common evaluations" in text(page(story_of(events(a=9, b=9))))


def test_a_run_without_end_is_reported_as_such() -> None:
    read = text(page(story_of(events()[:-3])))
    assert "unfinished" in read
    assert "The recording has no end" in read
    assert "Step: 900" in read


def test_a_resumed_run_is_unfinished_until_its_second_end() -> None:
    resumed = LaneStarted(lane="clipped", step=900, rule="none", iterations=2000, parameters=1, seconds=9.0)
    assert story_of([*events(), resumed]).status == "unfinished"
    assert story_of([*events(), resumed, *events()[-3:]]).status == "completed"


def test_a_run_that_failed_before_its_first_evaluation_still_has_a_report() -> None:
    names = [lane.name for lane in RunConfig().lanes]
    failed = [LaneFailed(lane=name, step=0, reason="error", cause="no memory", seconds=0.1) for name in names]
    recorded_events = [event for event in events() if isinstance(event, RunStarted | LaneStarted)]
    read = text(page(story_of([*recorded_events, *failed, RunFinished(reason="failed", seconds=1.0)])))
    assert "The run failed" in read
    assert read.count("failed at step 0 (an error): no memory") == 2
    assert "The recording has no evaluations" in read


def test_damage_and_notices_of_the_recording_are_reported() -> None:
    run = story_of(events(Notice(text="no network: digits")), "events.jsonl: line 7 is damaged and is left out")
    for read in (text(page(run)), markdown(contents([run], ENGLISH), {"loss": "l", "accuracy": "a"})):
        assert "line 7 is damaged and is left out" in read
        assert "no network: digits" in read


def test_no_text_of_a_recording_becomes_markup() -> None:
    hostile = RunStarted(
        config=RunConfig(device=HOSTILE),
        dataset=DatasetInfo(name=HOSTILE, origin=HOSTILE, training=1, validation=1, checksum=HOSTILE),
        device=HOSTILE,
        versions={HOSTILE: HOSTILE},
        time=0.0,
    )
    recorded_events = [hostile, *events(Notice(text=HOSTILE), evaluated(HOSTILE, 0))[1:]]
    run = summarize_run(HOSTILE, Recorded(EventTable.of(recorded_events), (HOSTILE,), 0))
    document = page(run)
    assert "<script" not in document
    assert document.count("</style>") == 1 + document.count("<svg")
    written = markdown(contents([run], ENGLISH), {"loss": "l", "accuracy": "a"})
    assert "<script" not in re.sub(r"```.*?```|`[^`\n]*`", "", written, flags=re.DOTALL)
    assert "[a](b)" not in re.sub(r"```.*?```|`[^`\n]*`", "", written, flags=re.DOTALL)


@given(st.text())
def test_any_text_stays_on_its_line_in_markdown(anything: str) -> None:
    blocks = [Warnings((ENGLISH("warn_damage", damage=anything), anything))]
    assert [line[:1] for line in markdown(blocks, {}).splitlines()] == [">"] * 3


def test_markdown_links_existing_figures(tmp_path: Path) -> None:
    write_report([story_of(events()), story_of(events(seed=1))], tmp_path / "my report.md", "md")
    written = (tmp_path / "my report.md").read_text(encoding="utf-8")
    links = re.findall(r"!\[.*?\]\((.*?)\)", written)
    assert len(links) == 5
    for link in links:
        assert ElementTree.parse(tmp_path / link.replace("%20", " ")).getroot().tag == f"{SVG}svg"
    assert written.count("Step: 900 validation accuracy") == 4


def test_markdown_written_through_a_link_has_its_figures_beside_the_target(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.md").symlink_to("sub/in.md")
    write_report([story_of(events())], tmp_path / "link.md", "md")
    links = re.findall(r"!\[.*?\]\((.*?)\)", (tmp_path / "sub" / "in.md").read_text(encoding="utf-8"))
    assert links
    assert {path.name for path in (tmp_path / "sub").iterdir()} == {"in.md", *links}
    assert {path.name for path in tmp_path.iterdir()} == {"sub", "link.md"}


def test_several_runs_have_one_table_and_a_section_each() -> None:
    read = page(*(story_of(events(seed=seed)) for seed in range(3)))
    assert re.findall(r"<h2>(Run \d)", read) == ["Run 1", "Run 2", "Run 3"]
    assert read.count("<svg") == 1 + 2 * 3
    assert text(read).count("Step: 900 validation accuracy") == 6
    assert read.count(f"0.772 (0.760{DASH}0.783)") == 2 * 3
    ElementTree.fromstring(overview_figure([story_of(events())], ENGLISH, "x"))


def joint(*runs: RunSummary) -> str:
    return "\n".join(map(str, joint_conclusion(runs, ENGLISH)))


def test_few_seeds_cannot_decide() -> None:
    sentences = joint(*(story_of(events(seed=seed)) for seed in range(5)))
    assert "unclipped is better on 5 seeds, clipped on 0; 0 are ties" in sentences
    assert "unclipped 0.772 (lowest 0.772, highest 0.772)" in sentences
    assert "Seeds on which the two differ: 5. These are too few to decide" in sentences
    assert "p = 0.0625" in sentences


def test_six_seeds_that_agree_decide_and_seven_that_disagree_do_not() -> None:
    agreeing = [story_of(events(seed=seed)) for seed in range(6)]
    assert "p = 0.0312: lane unclipped is better more often than chance" in joint(*agreeing)
    assert "p = 0.125: these seeds do not show which" in joint(*agreeing, story_of(events(seed=6, a=1, b=2)))


def test_only_clean_runs_of_the_same_settings_and_other_seeds_are_compared() -> None:
    change = ClipChanged(lane="clipped", step=3, rule="none", previous="value:0.001")
    runs = [
        story_of(events()),
        story_of(events(seed=1, config=msgspec.structs.replace(RunConfig(seed=1), pace=9.0, checkpoint_every=7))),
        story_of(events(seed=2, config=RunConfig(seed=2, batch_size=16))),
        story_of(events(seed=3)[:-1]),
        story_of(events(change, seed=4)),
        story_of(events(seed=1)),
        story_of(events(seed=5), "a line is left out"),
    ]
    sentences = joint(*runs)
    assert "Runs 1 and 2 differ only in their seed" in sentences
    assert "Runs not compared with the others: 3, 4, 5, 6 and 7" in sentences
    assert "These runs do not form a comparison" in joint(*runs[2:5])


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_sign_test_is_a_symmetric_probability(wins: int, losses: int) -> None:
    p = sign_test(wins, losses)
    assert 0 < p <= 1
    assert p == sign_test(losses, wins)
    if losses == 0 and wins:
        assert p == 2 / 2**wins


def placeholders(phrases: Mapping[str, str]) -> dict[str, set[str]]:
    return {key: {name for _, name, _, _ in Formatter().parse(phrase) if name} for key, phrase in phrases.items()}


def test_every_language_has_every_phrase_with_the_same_values_in_it() -> None:
    english = placeholders(LANGUAGES["en"])
    for language, phrases in LANGUAGES.items():
        assert placeholders(phrases) == english, language
        assert all(phrase.strip() or key == "comma" for key, phrase in phrases.items())
        codes = {key: re.findall("`[^`]*`", phrase) for key, phrase in phrases.items()}
        assert codes == {key: re.findall("`[^`]*`", phrase) for key, phrase in LANGUAGES["en"].items()}


def test_no_phrase_is_left_in_english_by_mistake() -> None:
    chinese, same = LANGUAGES["zh"], {"no_lower_bound", "no_upper_bound", "optimizer_adam", "name_lenet"}
    assert {key for key in chinese if chinese[key] == LANGUAGES["en"][key]} == same
    read = page(story_of(events()), language="zh")
    assert 'lang="zh-CN"' in read
    assert "结论" in read
    assert "Conclusion" not in read


def test_a_report_that_cannot_be_written_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(ClipwatchError, match=r"cannot write .*No such file"):
        write_report([story_of(events())], tmp_path / "nowhere" / "report.html")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ClipwatchError, match=r"cannot write .*directory"):
        write_report([story_of(events())], tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    (tmp_path / "link.md").symlink_to(tmp_path / "nowhere" / "report.md")
    with pytest.raises(ClipwatchError, match=r"cannot write .*No such file"):
        write_report([story_of(events())], tmp_path / "link.md", "md")
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "link.md"}


def test_without_matplotlib_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("matplotlib", "matplotlib.style"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ClipwatchError, match=r'pip install "\.\[report\]"'):
        write_report([story_of(events())], tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_the_report_has_the_screen_unchanged_and_loads_nothing() -> None:
    recorded_events = events()
    run = summarize_run(
        "a-run", Recorded(EventTable.of(recorded_events), (), 0), picture(EventTable.of(recorded_events))
    )
    document = page(run)
    drawn = ElementTree.fromstring(run.screen or "")
    words = "".join(drawn.itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "Step: 1000 completed: accuracy 0.772 loss 0.8000 (all 5,000)" in words
    assert "accuracy 0.568" in words
    assert run.screen in document
    assert not re.search(r"url\((?!#)|@import|@font-face", document)
    assert '<figure id="figure-screen" class="screen">' in document


def test_a_command_longer_than_a_line_breaks_inside_the_page() -> None:
    wide = next(line for line in STYLESHEET.splitlines() if "min-width" in line)
    assert "nowrap" not in wide
    assert "max-width: 100%" in wide


@pytest.mark.parametrize("end", [-1, -3, 3, 2, 1])
def test_an_unfinished_run_has_a_picture_too(end: int) -> None:
    ElementTree.fromstring(picture(EventTable.of(events()[:end])))


def test_the_program_reports_real_runs(tmp_path: Path) -> None:
    home = tmp_path / "runs"
    run = recordings.record(home, "--iterations", "30", "--seed", "4")
    done = program.call("report", "last", "--runs-dir", str(home), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "report.html\n", "")
    read = text((tmp_path / "report.html").read_text(encoding="utf-8"))
    for event in recordings.read(run).events:
        if isinstance(event, Evaluated):
            assert evaluation_line(event) in read
    done = program.call(
        "report", run.name, run.name, "-o", str(tmp_path / "b.md"), "--lang", "zh", "--runs-dir", str(home)
    )
    assert done.returncode == 0, done.stderr
    pictures = [f"b-{name}.svg" for name in ("accuracy", "effect", "gradient", "loss", "screen")]
    assert sorted(path.name for path in tmp_path.glob("b*")) == [*pictures, "b.md"]
    assert program.call("report", "nothing", "--runs-dir", str(home)).returncode == 2


def record_events(folder: Path) -> None:
    recording = b"".join(seal(encode(event)) + b"\n" for event in events())
    (folder / "events.jsonl").write_bytes(recording)


def test_without_a_cache_folder_matplotlib_is_silent(tmp_path: Path) -> None:
    record_events(tmp_path)
    arguments = [*program.COMMAND, "report", str(tmp_path), "-o", str(tmp_path / "report.html")]
    environment = {**os.environ, "MPLCONFIGDIR": "/dev/null/none"}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_report_needs_no_torch(tmp_path: Path) -> None:
    record_events(tmp_path)
    code = (
        "import sys; from clipwatch.tui.cli.main import main; main(sys.argv[1:]);"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    arguments = [sys.executable, "-c", code, "report", str(tmp_path), "-o", str(tmp_path / "report.html")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    packages = set(done.stdout.split())
    assert "matplotlib" in packages
    assert not packages & {"torch", "torchvision"}

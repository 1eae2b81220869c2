"""The report of a watched loop says what it did to its gradients, in both languages, and nothing that is not known."""

from __future__ import annotations

import typing
from pathlib import Path

import msgspec
import numpy as np
import pytest
import watched_runs as watched

from clipwatch.core.reports.contents import contents
from clipwatch.core.reports.document import write_blocks
from clipwatch.core.reports.markdown import markdown
from clipwatch.core.reports.phrases import Words
from clipwatch.core.reports.run_summary import summarize_run
from clipwatch.core.reports.watched_chinese import CHINESE_FINDINGS, WATCHED_CHINESE
from clipwatch.core.reports.watched_english import WATCHED_ENGLISH
from clipwatch.core.stream.events import Event, LoopAudited
from clipwatch.core.stream.watch_events import Finding


def report(*events: Event, language: str = "en") -> str:
    blocks = contents([summarize_run("my-run", watched.recorded(*events))], Words(language))
    return markdown(blocks, {block.name: f"{block.name}.svg" for block in blocks if hasattr(block, "svg")})


def test_a_report_speaks_of_the_loop_and_of_what_was_found() -> None:
    text = report(*watched.story(bound=1.0, metrics=True))
    for said in (
        "# Gradient clipping in a training loop: CharTransformer",
        "CharTransformer with 818,000 parameters, trained by train.py: 200 steps.",
        "loop was only observed: clipwatch changed no gradient.",
        "loop: your loop clips the norm to 1.0 before the optimizer: engaged on 60 % of steps (as of step 199).",
        "Last evaluation of loop, at step 199: accuracy 0.650, perplexity 4.500 and loss 1.3500.",
        "| embedding | 2.5 / 1 | 100.0% |",
        "| steps skipped by the GradScaler, loop | 3 |",
        "1.9 cores on average, at most 1.9; at most 642 MB of memory.",
        "Step: 199 validation accuracy: 0.65 perplexity: 4.5 loss: 1.35",
        "Train tokens of the training steps.",
    ):
        assert said in text
    assert "/home/me" not in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_says_nothing_that_is_not_known(language: str) -> None:
    text = report(*watched.story(bound=1.0), language=language).replace(str(Words(language)("watched_loop_text")), "")
    english = ("batch", "learning rate", "seed", "validation set", "identical", "clipwatch verify", "nan")
    chinese = ("批大小", "学习率", "种子", "验证集", "1,000,000,000")
    assert not [word for word in (*english, *chinese) if word in text.replace("validation batch", "")]


def test_a_loop_that_gives_nothing_has_a_report_of_its_gradients() -> None:
    text = report(*watched.story(evaluated=False, loss=False))
    assert "The loop gave neither a training loss nor evaluations." in text
    assert "Lane loop, 200 steps: median" in text
    assert "evaluations0" not in text


def test_the_share_of_steps_that_a_loop_clips_itself_is_drawn() -> None:
    def axes(*events: Event) -> str:
        blocks = contents([summarize_run("my-run", watched.recorded(*events))], Words("en"))
        return next(block.svg for block in blocks if getattr(block, "name", "") == "gradient")

    assert "% of steps clipped" in axes(*watched.story(bound=1.0))
    assert "% of steps clipped" not in axes(*watched.story())


def test_lanes_that_begin_later_are_in_the_report_and_nothing_compares_them() -> None:
    events = [*watched.story(ends=False), watched.begun("critic", rule="norm:1"), watched.trained(0, lane="critic")]
    text = report(*events)
    assert "Lane critic, 50 steps: median" in text
    assert "clipwatch clipped critic by this rule: norm at most 1." in text
    assert "differ" not in text


def test_values_that_are_not_finite_are_no_reason_to_fail() -> None:
    broken = np.full(watched.EVERY, np.inf)
    steps = watched.trained(0, metrics={"train-tokens": broken})
    events = [
        msgspec.structs.replace(event, loss=np.inf, metrics={"perplexity": np.nan})
        if hasattr(event, "train_loss")
        else event
        for event in watched.story()
    ]
    assert report(*events[:2], steps, *events[4:])


def test_every_finding_has_a_chinese_sentence() -> None:
    assert CHINESE_FINDINGS.keys() == {*typing.get_args(Finding)}
    for finding, forms in CHINESE_FINDINGS.items():
        assert "{" not in forms[-1].replace("{parameters:.0f}", ""), finding
    for finding in typing.get_args(Finding):
        event = LoopAudited(lane="loop", step=99, finding=finding)
        assert "截至第 99 步" in report(watched.started(), watched.begun(), event, language="zh")


def test_both_languages_have_the_same_texts() -> None:
    assert WATCHED_ENGLISH.keys() == WATCHED_CHINESE.keys()


def test_a_web_page_is_written(tmp_path: Path) -> None:
    blocks = contents([summarize_run("my-run", watched.recorded())], Words("zh"))
    write_blocks(blocks, tmp_path / "report.html", "html", "zh")
    assert "CharTransformer" in (tmp_path / "report.html").read_text()

"""What is said of a watched loop: its end, its verdict, its summary, what it uses; and what refuses to train it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import msgspec
import pytest
import watched_runs as watched
from rich.console import Console
from test_header_and_footer import COLOURED

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.events import (
    Event,
    LaneFailed,
    LaneStarted,
    LearningRateChanged,
    LoopEnded,
    ResourcesMeasured,
)
from clipwatch.core.stream.state import RunState, apply
from clipwatch.tui.cli.main import main
from clipwatch.tui.headless.console import ConsoleSink
from clipwatch.tui.live.sweep_offer import offered_sweep
from clipwatch.tui.text.explanation import sentences
from clipwatch.tui.text.resource_words import resource_words
from clipwatch.tui.text.setting_words import beside_rule_words
from clipwatch.tui.text.status_messages import status_message
from clipwatch.tui.text.summary import lane_summary, repeating_command, summary_table
from clipwatch.tui.text.verdict import verdict
from clipwatch.tui.view.chart_specs import ChartSettings, chart_spec
from clipwatch.tui.view.grid_pages import metrics_by_interest, recorded_metrics
from clipwatch.tui.view.keys import keys_for
from clipwatch.tui.view.metrics import metric
from clipwatch.tui.view.run_view import RunView
from clipwatch.tui.view.title import title

GB = 10**9
USED = ResourcesMeasured(seconds=5.0, processor=1.94, memory=612_000_000)
ON_GPU = msgspec.structs.replace(USED, gpu_memory=3_100_000_000, gpu_memory_total=80 * GB, gpu_share=0.43)


def state(*events: Event) -> RunState:
    found = RunState()
    for event in events or watched.story():
        found = apply(found, event)
    return found


def view(*events: Event) -> RunView:
    found = RunView()
    for event in events or watched.story():
        found.fold(event)
    return found


def printed(found: RunState) -> str:
    out = StringIO()
    Console(file=out, width=100).print(summary_table(found, list(found.lanes.values())))
    return out.getvalue()


def test_resources_in_words() -> None:
    assert resource_words(USED) == "1.9 cores · 612 MB"
    assert resource_words(ON_GPU) == "1.9 cores · 612 MB · GPU 43 % 3.1 GB"
    assert resource_words(msgspec.structs.replace(ON_GPU, gpu_share=None)) == "1.9 cores · 612 MB · GPU 3.1 GB"


@pytest.mark.parametrize("width", [160, 120])
def test_the_title_says_what_a_run_uses_until_it_ends(width: int) -> None:
    events = [*watched.story(ends=False), USED]
    assert "1.9 cores · 612 MB" in title(view(*events), width, COLOURED).text
    assert "cores" not in title(view(), width, COLOURED).text


def test_a_narrow_title_leaves_out_what_is_used_before_the_step() -> None:
    text = title(view(*watched.story(ends=False), ON_GPU), 60, COLOURED).text
    assert "step 200" in text
    assert "cores" not in text


def test_a_watched_title_has_no_seed_and_no_end_where_none_is_planned() -> None:
    text = title(view(*watched.story(ends=False)), 160, COLOURED).text
    assert "seed" not in text
    assert "step 200 " in text
    assert "step 200 / 300" in title(view(*watched.story(ends=False, total=300)), 160, COLOURED).text


def test_speed_is_known_without_evaluations() -> None:
    lane = view(*watched.story(evaluated=False)).lanes["loop"]
    # Ten steps in a second of the story.
    assert lane.steps_per_second == pytest.approx(10.0)


def test_the_verdict_is_the_last_evaluation_and_claims_nothing_of_all_data() -> None:
    assert verdict(state()) == (
        "The loop ended after 200 steps; last evaluation: accuracy 0.650, perplexity 4.5, loss 1.3500",
        "ended after 200 steps",
    )
    assert verdict(state(*watched.story(evaluated=False))) == ("The loop ended after 200 steps",)


def test_the_verdict_on_several_loops_names_them_and_compares_nothing() -> None:
    events = [*watched.story(ends=False), watched.begun("critic"), watched.trained(0, lane="critic")]
    failed = LaneFailed(lane="critic", step=50, reason="error", cause="ValueError: no", seconds=9.0)
    ended = LoopEnded(lane="loop", step=200, reason="stopped", seconds=9.0)
    longest, *_ = verdict(state(*events, failed, ended), sweep_key="S")
    assert longest == (
        "loop stopped after 200 steps, critic failed at step 50; loop accuracy 0.650, perplexity 4.5, loss 1.3500"
    )


def test_the_status_line_shows_the_verdict_when_the_loop_ends() -> None:
    message = status_message(LoopEnded(lane="loop", step=200, reason="completed", seconds=40.0), state())
    assert message
    assert message.texts[0].startswith("The loop ended after 200 steps; last evaluation: accuracy 0.650")


def test_the_summary_has_only_what_is_known() -> None:
    text = printed(state(*watched.story(bound=1.0)))
    for known in ("observed", "last evaluation", "perplexity", "steps clipped", "skipped", "40 s"):
        assert known in text
    for unknown in ("images", "seed", "all 0", "nan", "-"):
        assert unknown not in text.replace("─", "")
    assert "seed" not in lane_summary(state(), 0)


def test_a_loop_without_evaluations_has_no_row_for_them() -> None:
    assert "evaluation" not in printed(state(*watched.story(evaluated=False, loss=False)))


def test_a_watched_run_has_no_command_and_no_sweep() -> None:
    assert repeating_command(state()) is None
    with pytest.raises(BadInput, match="Your own script trains this run"):
        offered_sweep(state())


def test_no_sentence_claims_that_an_observed_loop_does_not_clip() -> None:
    found = state(*watched.story(bound=1.0))
    said = [form for sentence in sentences(found, found.lanes["loop"]) for form in sentence]
    assert not any("raw gradient" in form for form in said)


def test_the_charts_show_first_what_the_loop_gives() -> None:
    def first(*events: Event) -> list[str]:
        return [one.name for one in metrics_by_interest(view(*events))][:3]

    assert first() == ["train-loss", "grad-norm", "loss"]
    assert first(*watched.story(evaluated=False, loss=False))[0] == "grad-norm"
    assert first(*watched.story(evaluated=False))[:2] == ["train-loss", "grad-norm"]


def test_metrics_by_any_name_have_charts() -> None:
    names = [one.name for one in recorded_metrics(view(*watched.story(metrics=True)))]
    assert {"accuracy", "perplexity", "train-tokens", "steps-clipped"} <= {*names}
    info = state(*watched.story(metrics=True)).experiment
    assert metric("train-tokens", info).cadence == "step"
    assert metric("perplexity", info).cadence == "evaluation"


def test_no_chart_speaks_of_batches_or_validation_data_that_are_not_known() -> None:
    found = view(*watched.story(metrics=True))
    headings = [one.heading(found.state.own_config) for one in recorded_metrics(found)]
    assert "training loss" in headings
    assert "validation loss" in headings
    assert not any("batches" in heading or "examples" in heading or "each" in heading for heading in headings)


def test_a_chart_of_a_loss_that_the_loop_does_not_give_says_how_to_give_it() -> None:
    found = view(*watched.story(loss=False))
    spec = chart_spec(metric("train-loss", found.state.experiment), found, ChartSettings(), COLOURED, (80, 20))
    assert spec.empty == "training loss: the loop gives none; run.step(loss) does"


def test_one_loop_that_is_clipped_shows_both_norms_in_one_chart() -> None:
    def lanes(*events: Event) -> list[str]:
        found = view(*events)
        spec = chart_spec(metric("grad-norm", found.state.experiment), found, ChartSettings(), COLOURED, (80, 20))
        return [lane.name for lane in spec.lanes]

    assert lanes(*watched.story(bound=1.0)) == ["before", "after"]
    assert lanes() == ["loop"]


def test_a_chart_ends_at_the_newest_step_where_no_end_is_planned() -> None:
    assert view(*watched.story(ends=False)).final_step == 199
    assert view(*watched.story(ends=False, total=300)).final_step == 299


def test_the_console_prints_a_loop_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    sink = ConsoleSink(quiet=False)
    for event in watched.story(bound=1.0):
        sink.receive(event)
    sink.close()
    found = capsys.readouterr()
    assert "clipwatch: the loop gives a metric: perplexity\n" in found.err
    assert "Step: 200 the loop has ended" in found.err
    assert "[loop] Step: 99 validation accuracy: 0.55 perplexity: 4.5 loss: 1.45" in found.out
    assert "cores" not in found.err


@pytest.mark.parametrize(
    ("command", "advice"),
    [("verify", "to repeat it, start the script again"), ("resume", "to continue, load its checkpoint there")],
)
def test_what_would_train_a_watched_run_refuses_in_one_line(
    command: str, advice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = watched.write(tmp_path)
    assert main([command, str(folder)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"clipwatch: run {folder.name} was watched, not trained by clipwatch: your own script trains it; {advice}"
    )


def test_a_report_of_several_runs_refuses_a_watched_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = watched.write(tmp_path), watched.write(tmp_path)
    assert main(["report", str(one), str(other)]) == 2
    assert "name it alone" in capsys.readouterr().err


def test_a_watched_run_is_renamed_deleted_and_found_by_its_class_and_its_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = watched.write(tmp_path)
    home = ["--runs-dir", str(tmp_path)]
    for name in ("CharTransformer", "train.py"):
        assert main(["runs", "--list", "--experiment", name, *home]) == 0
        assert folder.name in capsys.readouterr().out
    assert main(["runs", "--list", "--experiment", "lenet", *home]) == 0
    assert folder.name not in capsys.readouterr().out
    assert main(["runs", "rename", folder.name, "mine", *home]) == 0
    assert main(["runs", "delete", "mine", "--yes", *home]) == 0
    assert not any(path.is_dir() for path in tmp_path.iterdir())


def test_a_recording_of_a_loop_has_no_keys_that_train() -> None:
    ids = {key.id for key in keys_for(state())}
    assert {"diagnostics", "left_metric", "scrub_back", "quit"} <= ids
    assert not ids & {"sweep", "restart", "reseed", "extend", "clip", "rule"}


def test_loops_whose_rates_differ_are_called_no_comparison_since_nothing_is_known_of_their_settings() -> None:
    change = LearningRateChanged(lane="model", step=20, rate=0.5, previous=0.1)
    first = next(event for event in watched.story() if isinstance(event, LaneStarted))
    found = state(
        *watched.story(), msgspec.structs.replace(first, lane="other"), msgspec.structs.replace(change, lane=first.lane)
    )
    assert beside_rule_words(found, {name: name for name in found.lanes}) == ()
    assert "0.5, changed" in printed(found)

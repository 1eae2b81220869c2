"""A sweep as a document."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_sweep import DIGITS, replica, started

from clipwatch.core.errors import BadInput
from clipwatch.core.reports.sweep_document import report_sweep
from clipwatch.core.sweeps.description import sweep_config
from clipwatch.core.sweeps.folder import SweepWriter, create_sweep

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


def test_it_holds_question_answer_figures_cause_and_method(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.md"
    assert report_sweep([str(sweep)], tmp_path, output, None, "en") == 0
    text = output.read_text(encoding="utf-8")
    for heading in (
        "question",
        "answer",
        "distributions",
        "cause: dead classes",
        "One run in the light of all",
        "Method",
    ):
        assert heading in text
    assert "The sweep is not finished" in text
    assert "Clipping by value:0.001 (relu head)" in text
    assert "correlate by -1.00" in text
    assert "seed 0: accuracy 0.733 with 0 dead classes; 4 of 6 seeds ended lower" in text
    for picture in ("distributions", "differences", "curves"):
        assert (tmp_path / f"out-{picture}.svg").read_text(encoding="utf-8").startswith("<svg")


def test_it_is_one_page_of_html(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.html"
    report_sweep([str(sweep)], tmp_path, output, None, "en")
    assert output.read_text(encoding="utf-8").count("<svg") == 3


def test_what_cannot_be_written_is_said(sweep: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="one sweep at a time"):
        report_sweep([str(sweep)] * 2, tmp_path, None, None, "en")
    with pytest.raises(BadInput, match="English only"):
        report_sweep([str(sweep)], tmp_path, None, None, "zh")

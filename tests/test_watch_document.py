"""docs/watch.md: its programs run as they stand, and its sentences are those that users see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from watched_recordings import WatchedRecording

from clipwatch.core.stream.audit_words import audit_sentence
from clipwatch.core.stream.watch_events import Finding

PAGE = (Path(__file__).parents[1] / "docs" / "watch.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```", PAGE, re.S | re.M))
SENTENCES: tuple[tuple[Finding, dict[str, float]], ...] = (
    ("not-clipped", {"norm": 14.2}),
    ("clips-norm", {"bound": 1.0, "share": 0.61, "steps": 100}),
    ("clips-value", {"bound": 0.5, "share": 0.61, "steps": 100}),
    ("changes-gradient", {}),
    ("changes-gradient", {"engaged": 2, "steps": 3000}),
    ("never-engaged", {"loop_steps": 1000}),
    ("never-engaged", {"rule_steps": 1000}),
    ("still-scaled", {"bound": 1.0, "scale": 65536.0}),
    ("still-scaled", {"scale": 65536.0}),
    ("too-late", {"norm": 14.2, "late_norm": 1.0}),
    ("clipped-twice", {"bound": 1.0}),
    ("no-gradient", {"parameters": 3}),
    ("zero-gradient", {"parameters": 2, "steps": 500}),
    ("not-seen", {"processes": 2}),
)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a program that is run in this test records."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIPWATCH_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def run_program(title: str) -> None:
    code = PROGRAMS[title]
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 18
    exec(compile(code, "watch.md", "exec"), {"__name__": "__main__"})


def test_the_program_of_two_lines(runs: Path) -> None:
    run_program("Two lines")
    run = WatchedRecording.only_one_in(runs)
    assert len(run.of_steps("losses")) == 200
    assert run.state.lanes["loop"].status == "completed"
    assert run.state.lanes["loop"].audit["clips-norm"].figures["bound"] == pytest.approx(1.0)


@pytest.mark.filterwarnings("ignore:::lightning")
@pytest.mark.filterwarnings("ignore:::torch.jit")
def test_the_program_for_lightning(runs: Path) -> None:
    pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
    run_program("Lightning")
    run = WatchedRecording.only_one_in(runs)
    assert max(run.of_steps("clipped_norms")) == pytest.approx(1.0)
    assert len(run.of_steps("losses")) == 20
    assert len(run.evaluations) == 2


@pytest.mark.filterwarnings("ignore:'pin_memory'")
def test_the_program_for_transformers(runs: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    run_program("transformers")
    run = WatchedRecording.only_one_in(runs)
    assert max(run.of_steps("clipped_norms")) <= 1.0 + 1e-6
    assert len(run.of_steps("losses")) == 20
    assert run.evaluations


@pytest.mark.parametrize(("finding", "figures"), SENTENCES)
def test_the_sentences_of_the_audit(finding: Finding, figures: dict[str, float]) -> None:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", PAGE.split("## The audit")[1].split("\n## ")[0], re.M)
    assert audit_sentence(finding, figures)[0] in rows


def test_every_finding_has_a_row() -> None:
    assert {finding for finding, _ in SENTENCES} == set(Finding.__args__)  # pyright: ignore[reportAttributeAccessIssue]


def test_the_links_of_the_page_lead_somewhere() -> None:
    titles = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", PAGE, re.M)}
    for link in re.findall(r"\]\(([^)]+)\)", PAGE):
        path, _, place = link.partition("#")
        if path:
            assert (Path(__file__).parents[1] / "docs" / path).exists()
        else:
            assert place in titles

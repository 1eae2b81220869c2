"""Sweeps among the recorded runs: `clipwatch runs`."""

from __future__ import annotations

import json
from pathlib import Path

import program
import pytest
from recordings import DIGITS as RUN
from test_sweep import DIGITS, replica, started
from virtual_terminal import CLIPWATCH, VirtualTerminal

from clipwatch.core.errors import BadInput
from clipwatch.core.runs import find_run
from clipwatch.core.sweeps.description import SweepConfig, sweep_config
from clipwatch.core.sweeps.folder import SweepFolder, SweepWriter, create_sweep, read_sweep
from clipwatch.core.sweeps.overview import overview

CONFIG = sweep_config(DIGITS, {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}, 2, ())


def write(home: Path, config: SweepConfig = CONFIG, *, seeds: int = 2) -> SweepFolder:
    folder = create_sweep(home, "digits", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(started(config))
        for seed in range(seeds):
            for setting in range(len(config.settings)):
                writer.write(replica(setting, seed, 240 - 30 * setting - seed, loss=1.0 + setting))
    return folder


def test_an_overview_says_how_far_it_is_and_what_the_first_comparison_comes_to(tmp_path: Path) -> None:
    found = overview(write(tmp_path))
    assert (found.state, found.settings, found.seeds, found.done, found.total) == ("done", 4, 2, 8, 8)
    assert found.comparison
    assert found.comparison.name == "value:0.001 against not clipped (relu head)"
    assert (found.comparison.seeds, found.comparison.nats) == (2, 2.0)
    assert found.comparison.points == pytest.approx(-20)


def test_a_sweep_is_running_while_it_is_written_and_interrupted_afterwards(tmp_path: Path) -> None:
    folder = write(tmp_path, seeds=1)
    with SweepWriter(folder, read_sweep(folder)):
        assert overview(folder).state == "running"
    assert overview(folder).state == "interrupted"


def test_settings_without_a_seed_in_common_have_no_difference(tmp_path: Path) -> None:
    assert overview(write(tmp_path, seeds=0)).comparison is None
    assert overview(write(tmp_path, sweep_config(DIGITS, {"clip": ["none"]}, 2, ()))).comparison is None


def test_runs_lists_sweeps_among_runs(tmp_path: Path) -> None:
    sweep = write(tmp_path)
    assert program.run(*RUN, "--iterations", "5", "--runs-dir", str(tmp_path)).returncode == 0
    table = program.run("runs", "--runs-dir", str(tmp_path)).stdout
    for words in (sweep.path.name, "4 settings", "2 seeds", "8 of 8", "-0.200", "+2.0000", "(relu head)", "Of a sweep"):
        assert words in table
    lines = program.run("runs", "--json", "--runs-dir", str(tmp_path)).stdout.splitlines()
    kinds = {json.loads(line)["kind"]: json.loads(line) for line in lines}
    assert len(lines) == len(kinds) == 2
    assert kinds["sweep"]["run"] == sweep.path.name
    assert kinds["sweep"]["comparison"]["points"] == pytest.approx(-20)


def test_a_sweep_that_cannot_be_read_is_told_of_and_the_others_are_listed(tmp_path: Path) -> None:
    broken, whole = write(tmp_path), write(tmp_path)
    broken.results.write_bytes(b"")
    done = program.run("runs", "--runs-dir", str(tmp_path))
    assert done.returncode == 0
    assert whole.path.name in done.stdout
    assert done.stderr == f"clipwatch: sweep {broken.path}: sweep.jsonl does not begin with a sweep\n"


def test_a_narrow_terminal_shows_every_name_in_full(tmp_path: Path) -> None:
    sweep = write(tmp_path)
    terminal = VirtualTerminal([*CLIPWATCH, "runs", "--runs-dir", str(tmp_path)], size=(80, 24))
    try:
        assert terminal.ends() == 0
        assert sweep.path.name in terminal.text
        assert "8 of 8" in terminal.text
        assert "-0.200" in terminal.text
    finally:
        terminal.close()


def test_where_a_run_is_wanted_a_sweep_is_told_apart_from_nothing(tmp_path: Path) -> None:
    sweep = write(tmp_path)
    with pytest.raises(BadInput, match="is a sweep"):
        find_run(sweep.path.name, tmp_path)

"""What every test stands on: no network, folders of its own, no wishes of whoever runs it, and no clock."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest
from watched_screen import watch

__all__ = ["watch"]

# Tests share the cores already: threads of torch that wait for one another would spend several times the arithmetic.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("clipwatch", deadline=None)
hypothesis.settings.load_profile("clipwatch")


@pytest.fixture(autouse=True, scope="session")
def _neutral_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPWATCH_OFFLINE", "1")
        patch.setenv("CLIPWATCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("CLIPWATCH_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "PYTHONUNBUFFERED", "CLIPWATCH_MIRRORS"):
            patch.delenv(name, raising=False)
        yield

"""What every test stands on: no network, folders of its own, and no wishes of whoever runs it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def _neutral_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPWATCH_OFFLINE", "1")
        patch.setenv("CLIPWATCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("CLIPWATCH_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "PYTHONUNBUFFERED", "CLIPWATCH_MIRRORS"):
            patch.delenv(name, raising=False)
        yield

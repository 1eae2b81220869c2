"""What every test stands on: no network, and a cache of its own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_network_and_no_one_elses_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIPWATCH_OFFLINE", "1")
    monkeypatch.setenv("CLIPWATCH_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

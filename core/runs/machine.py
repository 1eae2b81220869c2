"""The differences between this machine and the one that a run was recorded on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from ..files.paths import user_path
from ..stream.config import RunConfig


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Data folder, device and whether the network is forbidden. Fields left out are as recorded."""

    data_dir: Path | None = None
    device: str | None = None
    offline: bool = False

    def settings(self, config: RunConfig, tell: Callable[[str], None]) -> RunConfig:
        """A recorded run's settings on this machine. Calls `tell` if the recorded data folder does not exist here."""
        data_dir = str(self.data_dir) if self.data_dir else config.data_dir
        if self.data_dir is None and data_dir and not user_path(data_dir).is_dir():
            tell(f"data dir {data_dir} is not on this machine; --data-dir names another")
            data_dir = None
        device, offline = self.device or config.device, self.offline or config.offline
        return msgspec.structs.replace(config, data_dir=data_dir, device=device, offline=offline)

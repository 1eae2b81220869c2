"""`ClipwatchCallback` for Lightning: `Trainer(callbacks=[ClipwatchCallback("norm:1")])`."""

from .core.watch.lightning_callback import ClipwatchCallback

__all__ = ["ClipwatchCallback"]

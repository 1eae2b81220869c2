"""`ClipwatchCallback` for transformers: `Trainer(..., callbacks=[ClipwatchCallback("norm:1")])`."""

from .core.watch.transformers_callback import ClipwatchCallback

__all__ = ["ClipwatchCallback"]

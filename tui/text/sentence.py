"""A sentence that has to fit into more or less room."""

from __future__ import annotations

# The forms of a sentence from long to short.
Sentence = tuple[str, ...]

"""The bounds of numbers in settings, commands and events."""

from __future__ import annotations

# Counts are bounded so that their sums fit the numbers of JSON too.
MOST = 10**15

"""Applies clip rules to a flat gradient, which may hold NaN and infinity. Imports torch, `experiments` and `stream`."""

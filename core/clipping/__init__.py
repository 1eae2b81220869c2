"""Clip rules at work on a flat gradient, NaN and infinity included. Imports torch, `experiments` and `stream`."""

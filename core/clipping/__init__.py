"""Clip rules at work on a flat gradient, and what they do about NaN and infinity. Imports torch, `experiments` and `stream`."""

"""Sweeps over many seeds and settings: planning, training on this machine or on Ray, storage and comparison.

Imports `engine` and `stacked` (and so torch) only in its workers.
"""

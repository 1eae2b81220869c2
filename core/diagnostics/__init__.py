"""Measures the effect of clipping on a lane: elements clipped, direction, dead outputs, distance between lanes.

Imports torch and the folders of training below it: `clipping`, `optimizers`, `experiments`.
"""

"""Confidence intervals, and what paired differences say. Knows nothing of runs or training; no torch."""

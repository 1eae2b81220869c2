"""Confidence intervals, and tests of paired differences. Imports only `errors`; no torch."""

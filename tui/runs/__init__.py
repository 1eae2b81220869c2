"""The list of recorded runs and sweeps."""

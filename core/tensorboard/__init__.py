"""Runs for TensorBoard, live and from a recording."""

"""Writes runs for TensorBoard, live or from a recording."""

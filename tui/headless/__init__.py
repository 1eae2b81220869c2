"""A run without a screen: its events go to the console or to JSON lines, and to TensorBoard."""

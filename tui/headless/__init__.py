"""A run without a screen: from the engine to the console, to JSON lines and to TensorBoard."""

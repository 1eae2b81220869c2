"""The screen's model, without widgets: the run's state, the window of steps, keys, pending commands, bars of text."""

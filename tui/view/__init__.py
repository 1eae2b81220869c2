"""What the screen knows of a run and how it lays it out, without a widget: run state, window of steps, keys, bounds."""

"""A sweep on the console and on the screen."""

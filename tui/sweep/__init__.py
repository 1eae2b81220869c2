"""A sweep: how it is trained, printed on the console and shown on the screen."""

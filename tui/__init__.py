"""The command line, the console and the screen: all that reads the engine's stream for a person."""

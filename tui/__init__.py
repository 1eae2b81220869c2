"""Everything that a person meets: the command line, the console and the screen. It reads the stream of `core`."""

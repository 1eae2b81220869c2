"""The command line: parses arguments, selects source and sinks, imports them when they are needed."""

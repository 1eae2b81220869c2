"""The command line: parses arguments, then imports and runs only what the command needs."""

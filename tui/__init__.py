"""The user interfaces: command line, console and screen. They read the event stream of `core` and send it commands."""

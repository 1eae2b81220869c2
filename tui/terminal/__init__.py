"""Textual on a real terminal: the driver with its reader and writer, and the base class of the apps."""

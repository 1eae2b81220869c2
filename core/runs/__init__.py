"""A run on disk: its folder, written by the recorder and read back as a table of events.

Imports `stream` and `files`; no torch.
"""

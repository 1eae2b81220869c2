"""The images that a run trains on: found in a folder, fetched and checked, or the digits that come with the program.

Imports `stream` and `files`; no torch.
"""

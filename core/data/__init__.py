"""The images that a run trains on: files in a folder, downloads with a cache, or the embedded digits.

Imports `stream` and `files`; no torch.
"""

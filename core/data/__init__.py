"""The images that a run trains on: files in a folder, downloads with a cache, or the embedded digits.

Imports `stream` and `files`. torch is loaded only by torchvision, which names the mirrors of a download.
"""

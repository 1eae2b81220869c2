"""Colours, characters and the theme. Imports `text` at most."""

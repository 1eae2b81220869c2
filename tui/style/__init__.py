"""Colours, characters and the theme. May import `text`."""

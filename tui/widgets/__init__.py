"""Widgets of the main screen, one per file with its CSS, each a thin shell over a pure rendering function."""

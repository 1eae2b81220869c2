"""Recorded runs in a notebook or a program: their numbers as columns, and their charts."""

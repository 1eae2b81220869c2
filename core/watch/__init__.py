"""Watches a training loop that is not clipwatch's own."""

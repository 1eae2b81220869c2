"""Many seeds of many settings, and what they say together."""

"""A run on the screen: the app, what its keys send, and the feed of events that it draws."""

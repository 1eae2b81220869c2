"""The screen of a run: the Textual app, the commands that its keys send, and the events that it draws."""

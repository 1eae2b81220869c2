"""The main screen, and the screens over it: help, glossary, rule prompt and quit question."""

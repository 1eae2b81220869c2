"""The main screen, and those that open over it: help, figures, the rule prompt, the question before leaving."""

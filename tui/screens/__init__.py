"""What lies over the main screen: help, the rule prompt, the question before quitting."""

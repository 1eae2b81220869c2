"""What the clip does, as lines of text and strips: pure functions of what was measured."""

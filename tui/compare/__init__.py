"""Several runs compared: their lanes in the same charts, with a table of what they differ in and how they ended."""

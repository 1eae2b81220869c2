"""The engine in a child process: what is asked of it, the pipe to it, and the lines that come back."""

"""The engine in a child process: the request that starts it, the pipes to it, and the event lines from it."""

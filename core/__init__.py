"""The training engine and everything that reads its stream of events; knows no screen."""

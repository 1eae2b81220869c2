"""The training engine and everything that reads its stream of events. It knows no screen."""

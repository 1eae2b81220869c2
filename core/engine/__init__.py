"""The sources of events: lanes that train in threads, and recorded runs that are replayed, resumed or trained again.

Imports `training` (and so torch) only when training starts.
"""

"""Where events come from: lanes that train in threads, and recorded runs replayed, resumed or trained again.

Imports `training` (and so torch) only when training starts.
"""

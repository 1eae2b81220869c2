"""Many seeds of many settings: planned, trained on this machine or on Ray, stored and compared.

Imports `engine` and `stacked` (and so torch) only in its workers.
"""

"""The vocabulary that every part shares: settings, clip rules, commands, events, their JSON lines, and the state.

Imports `files` alone; no torch.
"""

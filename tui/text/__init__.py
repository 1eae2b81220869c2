"""Text for events, rules and measurements. Imports `core` only."""

"""Words and figures: how events, rules and measurements read as text. Imports core alone."""

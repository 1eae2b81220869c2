"""The document made from recorded runs and sweeps: HTML in one file, or Markdown with its figures; no torch."""

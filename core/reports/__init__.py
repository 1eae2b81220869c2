"""The document that is handed in, made from recorded runs: HTML in one file, or Markdown with its figures beside it."""

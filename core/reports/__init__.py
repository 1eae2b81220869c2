"""Reports of recorded runs and sweeps: one HTML file, or Markdown with figure files. Does not import torch."""

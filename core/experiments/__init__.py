"""What is trained: a network whose parameters and gradient are flat vectors. Imports torch, `data` and `stream`."""

"""The training of a lane, from batch to checkpoint. Imports torch and everything that a training step needs."""

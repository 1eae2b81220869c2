"""One lane in training, from batch to checkpoint. Imports torch and everything that a training step needs."""

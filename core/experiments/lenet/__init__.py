"""LeNet, and its forward and backward passes written out by hand."""

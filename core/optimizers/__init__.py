"""The optimizer protocol, Adam and SGD, on one flat vector. Imports torch, `experiments` and `stream`."""

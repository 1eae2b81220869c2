"""The optimizer protocol, and Adam and SGD for one flat vector. Imports torch, `experiments` and `stream`."""

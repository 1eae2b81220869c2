"""One widget a file, each a thin shell over a pure rendering function."""

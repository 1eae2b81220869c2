"""One widget a file, its CSS beside it; each is a thin shell over a pure rendering function."""

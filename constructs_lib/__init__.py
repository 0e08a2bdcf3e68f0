"""Constructs, one a file, and the plain data that they are made from."""

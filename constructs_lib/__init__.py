"""CDKTF constructs, one per file, with plain arguments."""

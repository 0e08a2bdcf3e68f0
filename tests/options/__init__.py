"""One file per option of .env: what it adds to the default, and what it leaves alone."""

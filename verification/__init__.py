"""What `verify.py` looks at in a deployed installation."""

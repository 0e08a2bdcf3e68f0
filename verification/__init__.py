"""The checks of verify.py, and access to the cluster through kubectl."""

"""What fills and what ends in an installation, and from when on verify.py says so."""

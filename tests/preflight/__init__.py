"""What check_account.py says, each line in front of stand-ins."""

"""What check_account.py does: checks of accounts, quotas and names before the first deploy."""

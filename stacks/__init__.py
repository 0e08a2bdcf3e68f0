"""The three stacks."""

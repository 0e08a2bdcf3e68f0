"""What an upgrade begins from: the stacks of past releases, and what today's must not change."""

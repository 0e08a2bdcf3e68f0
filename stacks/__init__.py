"""The stacks, their base and their interface."""

"""What synthesized stacks cost: the price table, the bill, and its pages."""

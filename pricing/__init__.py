"""Cost of synthesized stacks: prices, bill and report."""

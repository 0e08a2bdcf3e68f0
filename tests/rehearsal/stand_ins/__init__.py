"""Stand-ins for what the stacks talk to; README.md says what each one cannot prove."""

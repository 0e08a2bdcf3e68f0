"""Example programs for a deployed Langfuse."""

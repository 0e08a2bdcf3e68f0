"""Programs for a Langfuse that runs."""

"""What upgrade.py does: the way from Langfuse 3 to 4, and back (docs/langfuse-4.md)."""

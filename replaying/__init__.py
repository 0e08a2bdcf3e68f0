"""What `replay.py` does, step by step (docs/operations.md, Replay traces)."""

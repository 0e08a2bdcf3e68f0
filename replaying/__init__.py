"""What replay.py does (docs/operations.md, Replay traces)."""

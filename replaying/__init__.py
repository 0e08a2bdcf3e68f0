"""The steps of replay.py (docs/operations.md, Replay traces)."""

"""Benchmarks; they write their results into docs/performance.md."""

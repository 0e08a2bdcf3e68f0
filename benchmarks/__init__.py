"""Measurements, which write their own pages."""

"""Layers: settings, contracts, properties, modules, values, golden, costs, docs, policy."""

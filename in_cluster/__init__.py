"""Names, placement, chart values and manifests of the pods, as plain data."""

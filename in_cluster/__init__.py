"""What runs in the cluster, as plain data: names, placement, chart values and manifests."""

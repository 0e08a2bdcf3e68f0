"""The release with its real images, on kind (docs/e2e.md)."""

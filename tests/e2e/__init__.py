"""The whole life of an installation on AWS, twice, for whoever has an account (docs/e2e.md)."""

"""Metrics: one file a kind, listed in `registered`."""

"""Metrics of one label."""

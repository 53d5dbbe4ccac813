"""Readers: one a corpus."""

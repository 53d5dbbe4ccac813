"""Verbs on corpora."""

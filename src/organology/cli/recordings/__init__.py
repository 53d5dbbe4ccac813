"""Verbs on recordings."""

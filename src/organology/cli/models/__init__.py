"""Verbs that train, evaluate and export models."""

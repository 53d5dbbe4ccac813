"""MedleyDB, and what it shares with Mixing Secrets: the form of the metadata."""

"""Embeddings of mixtures, computed once and kept: what a frozen backbone says of them never changes."""

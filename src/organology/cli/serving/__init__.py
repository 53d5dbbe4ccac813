"""Verbs that serve: over HTTP, as a static page, live."""

"""A person's own songs with stems."""

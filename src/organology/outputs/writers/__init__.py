"""Writers on an open stream, by kinds of formats."""

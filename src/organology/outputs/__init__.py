"""Results written: formats, tables, pictures, pages."""

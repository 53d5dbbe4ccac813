"""The query language: text -> tree -> matching rows."""

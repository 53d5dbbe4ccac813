"""`organology evaluate` on recordings: with labels, with segments."""

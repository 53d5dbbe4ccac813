"""The page with timelines and players."""

"""Recognition jobs: admitted, run in threads, remembered in SQLite, removed."""

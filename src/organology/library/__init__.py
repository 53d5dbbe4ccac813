"""What was recognized, remembered in one SQLite file and answered from."""

"""The page: its files in `assets`, what a server and a static host get of them, and what the page may do."""

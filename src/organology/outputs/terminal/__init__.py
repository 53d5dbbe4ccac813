"""Tables and timelines for the terminal."""

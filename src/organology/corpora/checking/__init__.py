"""What is in a corpus folder, counted."""

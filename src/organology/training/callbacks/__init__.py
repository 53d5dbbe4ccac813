"""What a run does beside learning: checkpoints, averages, progress."""

"""Tags inside audio files: which fields each container has, and how they are written without risk."""

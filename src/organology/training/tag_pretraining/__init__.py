"""Pre-training on the tags of whole recordings."""

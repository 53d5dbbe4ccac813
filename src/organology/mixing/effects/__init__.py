"""Effects on sources: one class a file (settings, draw, apply), listed in `registered`."""

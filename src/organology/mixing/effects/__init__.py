"""Effects on sources: their settings, drawn and applied."""

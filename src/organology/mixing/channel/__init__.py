"""The way from the band to the file: one class a transform (settings, draw, apply), listed in `registered`."""

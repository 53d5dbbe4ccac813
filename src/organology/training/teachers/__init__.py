"""Published taggers and finished models that tell a network what audio holds."""

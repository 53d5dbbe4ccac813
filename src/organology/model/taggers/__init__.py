"""Published taggers, as teachers and to compare with."""

"""Transfer of a network to the instruments, by mixtures of stems."""

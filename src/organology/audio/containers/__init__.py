"""What files of sound say about themselves, and what of it is wrong: MPEG audio, chained Ogg, headers, time stamps."""

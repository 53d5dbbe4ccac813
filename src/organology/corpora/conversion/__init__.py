"""Source audio -> prepared audio: converted, measured, recorded so that a run can go on, in several processes."""

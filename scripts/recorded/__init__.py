"""Recorded instruments (SFZ) that play MIDI: which there are, as SoundFonts, and who plays what."""

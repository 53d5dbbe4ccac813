"""MIDI files and SoundFonts -> songs of stems, with labels."""

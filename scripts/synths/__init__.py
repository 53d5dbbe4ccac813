"""What `compose_synths.py` stands on.

`presets` says which presets of LMMS and ZynAddSubFX are plainly synthesizers; `lmms` plays notes with one; `hearing`
refuses what did not come out as written; `parts` takes leads, pads, arpeggios, basses and drums from an excerpt.
"""

"""The composer behind the starter corpus: chords, voices and patterns, each a function of a seed.

`songs.yaml` says who plays what; `theory` makes the chords and the four-part voicing of a song, `tune` its melody;
`tonal` and `rhythm` hold what the parts play; `compose` puts it together as a `Score` that organology renders.
"""

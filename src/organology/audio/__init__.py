"""Audio in: a file of any kind -> blocks of float32 samples, or mono at a given rate.

`decode` streams: memory does not grow with the file. libsndfile reads what it reads whole (wav, flac, ogg vorbis, aiff,
…); PyAV (FFmpeg's libraries) reads the rest (mp3, opus, m4a, alac, wma, the sound of videos), and goes on where
libsndfile gives up (`decoding.opening` has the table). Nothing here touches the network: containers that only point
elsewhere (playlists) are not opened. Nothing is printed.

Conventions
-----------
Samples are float32 with full scale at ±1. A block is an array of shape (frames, channels). Mono is the mean of the
channels or, where they cancel each other, one of them; `AudioStream.notes` says so. Times are those of the file:
silence stands where the sound of a video begins late, and in holes. Samples that are NaN, infinite or beyond ±1e6 are
replaced by 0 and counted in `AudioStream.nonfinite`; a file without one usable sample is an error. A damaged or cut
file gives what can be decoded, and `AudioStream.truncated` says so. Every error is an `AudioError`, "NAME: reason" in
one line.
"""

from organology.audio.arrays import from_array
from organology.audio.discovery import SUFFIXES, find, search
from organology.audio.mono import SAMPLE_RATE, mono_blocks, read_mono
from organology.audio.playlist import PLAYLIST_SUFFIXES, read_playlist
from organology.audio.sources.source import Source
from organology.audio.stream import BLOCK_FRAMES, AudioStream, decode

__all__ = [
    "BLOCK_FRAMES",
    "PLAYLIST_SUFFIXES",
    "SAMPLE_RATE",
    "SUFFIXES",
    "AudioStream",
    "Source",
    "decode",
    "find",
    "from_array",
    "mono_blocks",
    "read_mono",
    "read_playlist",
    "search",
]

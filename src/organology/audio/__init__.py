"""Audio in: a file of any kind -> blocks of float32 samples, or mono at a given rate.

`decode` streams: memory does not grow with the file. libsndfile reads what it can (wav, flac, ogg, aiff, …);
PyAV (FFmpeg's libraries) reads the rest (m4a, alac, wma, the sound of videos) and mp3, where libsndfile writes
warnings of its own to stderr. Nothing here touches the network: containers that only point elsewhere (playlists)
are not opened.

Conventions
-----------
Samples are float32 with full scale at ±1. A block is an array of shape (frames, channels). Mono is the mean of the
channels. Samples that are NaN, infinite or beyond ±1e6 are replaced by 0 and counted in `AudioStream.nonfinite`;
a file without one usable sample is an error. A damaged or cut file gives what can be decoded, and
`AudioStream.truncated` says so.
"""

from organology.audio.discovery import SUFFIXES, find, search
from organology.audio.playlist import PLAYLIST_SUFFIXES, read_playlist
from organology.audio.mono import SAMPLE_RATE, mono_blocks, read_mono
from organology.audio.source import Source
from organology.audio.stream import BLOCK_FRAMES, AudioStream, decode, from_array

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

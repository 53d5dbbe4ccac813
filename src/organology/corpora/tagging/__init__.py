"""Tagging corpora: whole recordings with tags, to pre-train on.

A sibling of the prepared corpora of stems. A reader (`TaggingCorpus`) gives tracks with their tags; `prepare` converts
them once or, in place, only looks at them; `TaggedChunks` draws labelled chunks. A prepared tagging corpus is a folder:

```
DIR/
├── tracks.parquet   one row a track, see `table`
├── tags.json        the tags in the order of the targets, and where the audio is
├── audio/           mono, 32 kHz, 16 bit; not there if the corpus is read in place
└── report.json      what was found and what failed
```
"""

from __future__ import annotations

from organology.corpora.tagging.base import SourceTrack, TaggingCorpus
from organology.corpora.tagging.chunks import ChunkConfig, TaggedChunk, TaggedChunks, TaggingPool

__all__ = [
    "ChunkConfig",
    "SourceTrack",
    "TaggedChunk",
    "TaggedChunks",
    "TaggingCorpus",
    "TaggingPool",
]

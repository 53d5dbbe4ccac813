"""Mixing Secrets: 258 songs of the Cambridge Music Technology multi-track library, labeled in the form of MedleyDB.

Gururani and Lerch (2017) wrote the metadata: a stem is one file of the library, or the sum of all files whose names
tell of drums, synthesizers, loops or effects. Where such a sum is missing (it is nowhere published; their script makes
it from the library's archives), its raw tracks are taken, each as a stem. 38 songs are marked `has_bleed` and left out,
unless they are asked for.
"""

from __future__ import annotations

import re

from organology.corpora.readers.medley.format import MIXING_SECRETS_ORIGIN, MedleyFormat
from organology.corpora.readers.medley.metadata import SongMetadata
from organology.corpora.readers.medley.reader import MedleyReader

LICENCE = "educational and research use, see cambridge-mt.com"
TREE = """\
ROOT/                               a clone of github.com/SiddGururani/mixing_secrets, and the audio
├── metadata/
│   └── Artist_Title_METADATA.yaml              taken before those beside the audio
├── annotations/
│   └── Artist_Title_ACTIVATION_CONF.lab        optional: where stems sound
├── Medley_Format/Audio/            as the clone's generate_yaml.py writes it ...
│   └── Artist_Title/
│       ├── Artist_Title_METADATA.yaml
│       ├── Artist_Title_RAW/01_Kick.wav        read where a stem is missing
│       └── Artist_Title_STEMS/Artist_Title_STEM_drums.wav
└── Artist_Title_Full/              ... or the library's archives, unpacked anywhere
    └── 01_Kick.wav"""

RENAMED = {
    "hammond": "electronic organ",
    "organ": "electronic organ",
    "rhodes": "electric piano",
    "strings": "string section",
}
"""Words that stand in the metadata beside the audio -> what the authors replaced them with in `metadata/` (2018)."""

_MIX_RESCUE = re.compile(r"MR\d{4}")
_SAME_ARTIST = {"MountaineeringClub": "MountaineeringClubOrchestra"}


def _artists(song: SongMetadata) -> tuple[str, str]:
    """The artist, which the first part of the song's name is.

    Songs from the column Mix Rescue are called after its number and the artist (MR1210_JamesMay); some of these artists
    have other songs.
    """
    name, _, title = song.song.partition("_")
    artist = title if _MIX_RESCUE.fullmatch(name) and title else name
    artist = _SAME_ARTIST.get(artist, artist)
    return artist, artist


FORMAT = MedleyFormat(
    vocabulary="mixing_secrets",
    licence=LICENCE,
    tree=TREE,
    owns=lambda song: song.origin.casefold() == MIXING_SECRETS_ORIGIN,
    artists=_artists,
    renamed=RENAMED,
    raw_audio=True,
)

READER = MedleyReader(
    name="mixing-secrets",
    title="Mixing Secrets",
    citation=(
        "S. Gururani, A. Lerch: Mixing Secrets: A Multi-Track Dataset for Instrument Recognition in Polyphonic "
        "Music. ISMIR 2017, late-breaking"
    ),
    how_to_get=(
        "Metadata, activations and the addresses of the archives (zip_urls.txt) from "
        "https://github.com/SiddGururani/mixing_secrets; the archives from "
        "https://cambridge-mt.com/ms/mtk/"
    ),
    format=FORMAT,
)
read, read_labels, looks_like, corpus = READER.read, READER.read_labels, READER.looks_like, READER.corpus
CORPUS = corpus()

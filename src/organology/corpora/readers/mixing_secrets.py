"""Mixing Secrets: 258 songs of the Cambridge Music Technology multi-track library, labeled in the form of MedleyDB.

Gururani and Lerch (2017) wrote the metadata: a stem is one file of the library, or the sum of all files whose names
tell of drums, synthesizers, loops or effects. Where such a sum is missing (it is nowhere published; their script makes
it from the library's archives), its raw tracks are taken, each as a stem. 38 songs are marked `has_bleed` and left out,
unless they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from organology.corpora.base import Corpus, SourceSong
from organology.corpora.issues import Issue
from organology.corpora.readers.medley import songs
from organology.corpora.readers.medley.format import MIXING_SECRETS_ORIGIN, MedleyFormat
from organology.corpora.readers.medley.labeled_songs import LabeledSong
from organology.corpora.readers.medley.metadata import SongMetadata

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


def read(root: Path, *, keep_bleed: bool = False) -> Iterator[SourceSong | Issue]:
    """Songs of a Mixing Secrets folder; see `Corpus.read`.

    Parameters
    ----------
    root : Path
    keep_bleed : bool
        Take songs with bleed too; the instruments of the others are unknown in each of their stems.

    Raises
    ------
    CorpusError
        If there are no metadata in the folder, or no audio of theirs.
    """
    return songs.read(root, FORMAT, keep_bleed=keep_bleed)


def read_labels(root: Path) -> Iterator[LabeledSong | Issue]:
    """All songs, those with bleed too, and their instruments from the metadata alone; no audio has to be there.

    Raises
    ------
    CorpusError
        If there are no metadata in the folder.
    """
    return songs.read_labels(root, FORMAT)


def looks_like(root: Path) -> bool:
    """Whether a folder holds songs of this corpus, with audio."""
    return songs.looks_like(root, FORMAT)


def corpus(keep_bleed: bool = False) -> Corpus:
    """Mixing Secrets, with or without its songs with bleed."""
    return Corpus(
        name="mixing-secrets",
        title="Mixing Secrets",
        citation=(
            "S. Gururani, A. Lerch: Mixing Secrets: A Multi-Track Dataset for Instrument Recognition in Polyphonic "
            "Music. ISMIR 2017, late-breaking"
        ),
        licence=LICENCE,
        tree=TREE,
        how_to_get=(
            "Metadata, activations and the addresses of the archives (zip_urls.txt) from "
            "https://github.com/SiddGururani/mixing_secrets; the archives from "
            "https://cambridge-mt.com/ms/mtk/"
        ),
        read=partial(read, keep_bleed=keep_bleed),
    )


CORPUS = corpus()

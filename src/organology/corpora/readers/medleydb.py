"""MedleyDB and MedleyDB 2.0: 196 songs of many kinds with stems, as they were mixed.

Labels come from `<Song>_METADATA.yaml` by the vocabulary `medleydb`. 80 songs are marked `has_bleed` (their stems hold
each other's instruments, mostly classical music and jazz played in one room) and left out, unless they are asked for.
The publisher's `ERRATA.md` names stems with bleed in songs that are not marked: there the labels of the song's other
stems are unknown.
"""

from __future__ import annotations

from organology.corpora.readers.medley.format import MIXING_SECRETS_ORIGIN, MedleyFormat
from organology.corpora.readers.medley.metadata import SongMetadata
from organology.corpora.readers.medley.reader import MedleyReader

LICENCE = "CC BY-NC-SA 4.0"
TREE = """\
ROOT/                               the folders of both releases, in any order and depth
├── Audio/  or  V1/ and V2/
│   └── Artist_Title/
│       ├── Artist_Title_METADATA.yaml
│       ├── Artist_Title_MIX.wav                    not read
│       ├── Artist_Title_RAW/                       not read
│       └── Artist_Title_STEMS/
│           └── Artist_Title_STEM_01.wav
├── Annotations/Instrument_Activations/ACTIVATION_CONF/
│   └── Artist_Title_ACTIVATION_CONF.lab            optional: where stems sound
└── medleydb/data/                  optional: a clone of github.com/marl/medleydb
    ├── Metadata/Artist_Title_METADATA.yaml         taken before those beside the audio
    └── Annotations/Activation_Confidence/v2/Artist_Title_ACTIVATION_CONF.lab"""

BLEEDING: frozenset[tuple[str, str]] = frozenset(
    (
        ("BrandonWebster_DontHearAThing", "S02"),
        ("ClaraBerryAndWooldog_Boys", "S01"),
        ("ClaraBerryAndWooldog_Boys", "S05"),
        ("Creepoid_OldTree", "S02"),  # its raw track 01 holds the drums too
        ("LizNelson_ImComingHome", "S02"),
        ("Lushlife_ToynbeeSuite", "S12"),
        ("TheScarletBrand_LesFleursDuMal", "S08"),
    )
)
"""Song and stem: bleed by https://github.com/marl/medleydb/blob/master/ERRATA.md. Some of these songs have been marked
`has_bleed` since, but not in the metadata of the first release."""


def _artists(song: SongMetadata) -> tuple[str, str]:
    """The first part of the song's name, and the `artist` of its metadata.

    Neither alone finds all songs of an artist: the metadata write "SWEAT" and "Sweat", "Liz Nelson" and "Liz Nelson &
    Jennifer Davies"; the names of classical songs begin with the composer, and "NYU" is the artist of all of them.
    """
    name = song.song.partition("_")[0]
    return name, song.artist or name


FORMAT = MedleyFormat(
    vocabulary="medleydb",
    licence=LICENCE,
    tree=TREE,
    owns=lambda song: song.origin.casefold() != MIXING_SECRETS_ORIGIN,
    artists=_artists,
    bleeding=BLEEDING,
    raw_words=True,
)

READER = MedleyReader(
    name="medleydb",
    title="MedleyDB 1.0 and 2.0",
    citation=(
        "R. M. Bittner, J. Salamon, M. Tierney, M. Mauch, C. Cannam, J. P. Bello: MedleyDB: A Multitrack Dataset "
        "for Annotation-Intensive MIR Research. ISMIR 2014. "
        "R. M. Bittner, J. Wilkins, H. Yip, J. P. Bello: MedleyDB 2.0: New Data and a System for Sustainable Data "
        "Collection. ISMIR 2016, late-breaking"
    ),
    how_to_get=(
        "On request, for non-commercial research: 1.0 (122 songs) from https://zenodo.org/records/1649325, 2.0 "
        "(74 songs) from https://zenodo.org/records/1715175; metadata and activations from "
        "https://github.com/marl/medleydb"
    ),
    format=FORMAT,
)
read, read_labels, looks_like, corpus = READER.read, READER.read_labels, READER.looks_like, READER.corpus
CORPUS = corpus()

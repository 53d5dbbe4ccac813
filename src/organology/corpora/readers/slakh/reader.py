"""Slakh2100: 2100 songs that sampled instruments play from MIDI files, one stem an instrument.

The redux, original and BabySlakh layouts are read. Labels: see `slakh_sound`. 390 of the 2100 tracks play a MIDI file
that an earlier track plays too, and 146 of these files are in more than one of the original splits; as in the redux
release, the track with the lowest number is kept. Lakh names no artists: the Million Song Dataset track that a MIDI
file is matched to takes their place, so that versions of one song are never in two splits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from organology.corpora.base import Corpus, SourceSong, SourceStem
from organology.corpora.issues import Issue, issue_of
from organology.corpora.readers.slakh.sound import LabelsBy, Sound, known_faults, sound
from organology.corpora.readers.slakh.tree import METADATA, OMITTED, Track, read_tracks, songs_of, track_folders
from organology.counted import counted
from organology.errors import CorpusError

Split = Literal["", "redux", "published"]
"""Where a track goes: drawn by `prepare`; by its number, as in the redux release; as the folders of the tree say."""

LICENCE = "CC BY 4.0"
TREE = """\
ROOT/                           slakh2100_flac_redux, slakh2100_flac, babyslakh_16k
├── train/                      without these four folders in BabySlakh
│   └── Track00001/
│       ├── metadata.yaml       program_num, is_drum, plugin_name, audio_rendered, UUID
│       ├── all_src.mid
│       ├── mix.flac
│       ├── MIDI/S00.mid
│       └── stems/S00.flac      or .wav
├── validation/
├── test/
└── omitted/                    redux: tracks whose MIDI file another track has"""

_SUFFIXES = (".flac", ".wav")


def looks_like(root: Path) -> bool:
    """Whether a folder has the tree of Slakh2100."""
    return any((folder / METADATA).is_file() for folder in track_folders(root))


def read(root: Path, *, split: Split = "", labels_by: LabelsBy = "patch") -> Iterator[SourceSong | Issue]:
    """Songs of a Slakh2100 folder; see `Corpus.read`.

    Parameters
    ----------
    root : Path
    split : {"", "redux", "published"}
        Tracks whose MIDI file an earlier track has are left out, but with "published": there all are kept that are
        not in the folder `omitted`, and those with the same MIDI file in another split are named.
    labels_by : {"patch", "program"}
        What is played, or what the MIDI file asks for.

    Raises
    ------
    CorpusError
        If the folder has no such tree.
    """
    folders = track_folders(root)
    if not folders:
        raise CorpusError(f"{root}: no folder TrackNNNNN in it; expected\n{TREE}")
    tracks: list[Track] = []
    for track in read_tracks(root, folders):
        if isinstance(track, Issue):
            yield track
        else:
            tracks.append(track)
    songs = songs_of(tracks)
    first = {track.midi: track for track in reversed(tracks)}
    sounds: list[Sound] = []
    for track in tracks:
        issue = _twin(track, first[track.midi], split)
        if issue is not None:
            yield issue
            if issue.severity == "dropped":
                continue
        stems = []
        for item in _stems(track, labels_by):
            if isinstance(item, Issue):
                yield item
            else:
                stems.append(item[0])
                sounds.append(item[1])
        target = {"": "", "redux": track.original_split, "published": track.published_split}[split]
        yield SourceSong(track.name, tuple(stems), songs[track.name], target)
    yield from _summary(sounds)


def _twin(track: Track, first: Track, split: Split) -> Issue | None:
    """What to say of a track whose MIDI file an earlier one has, or that the publisher leaves out."""
    here, there = track.published_split, first.published_split
    if split != "published" or here == OMITTED:
        if first is track and split != "published":
            return None
        reason = f"same MIDI file as {first.name}" if first is not track else f"in the folder {OMITTED}"
        return Issue("dropped", track.place, reason, track.name)
    if here == there or there == OMITTED:
        return None
    return Issue("note", track.place, f"in {here}, with the same MIDI file as {first.name} in {there}", track.name)


def _stems(track: Track, labels_by: LabelsBy) -> Iterator[tuple[SourceStem, Sound] | Issue]:
    """The stems of a track that can be used, and why the others cannot."""
    unrendered = 0
    for name, values in sorted(track.stems.items()):
        where = f"{track.place}, stem {name}"
        try:
            played = sound(values, where, labels_by)
        except Exception as error:
            yield issue_of(error, where, track.name, name)
            continue
        path = _audio(track.folder / "stems", name)
        fault, skip, source = known_faults().get((track.name, name), ("", False, ""))
        said = values.get("audio_rendered") is False
        if said and not path.is_file():
            yield Issue("dropped", where, "not rendered", track.name, name)
        elif skip:
            yield Issue("dropped", where, f"{fault}, see {source}", track.name, name)
        elif played.instruments is None:
            yield Issue("dropped", where, f"{played.name!r} names no instrument", track.name, name)
        else:
            unrendered += said
            yield SourceStem(name, path, played.instruments, played.word, "", "rendered", LICENCE, True), played
    if unrendered:
        reason = f"{counted(unrendered, 'stem')} used with audio though `audio_rendered` is false"
        yield Issue("note", f"{track.place}/{METADATA}", reason, track.name)


def _audio(folder: Path, name: str) -> Path:
    paths = [folder / f"{name}{suffix}" for suffix in _SUFFIXES]
    return next((path for path in paths if path.is_file()), paths[0])


def _summary(sounds: Sequence[Sound]) -> Iterator[Issue]:
    """What is worth knowing of the labels, a line a program."""
    names = {one.program: one.name for one in sounds}
    unlike = Counter((one.program, one.patch) for one in sounds if one.unlike)
    for program in sorted({program for program, _ in unlike}):
        counts = {patch: count for (number, patch), count in sorted(unlike.items()) if number == program}
        reason = f"stems are labeled by the patch that plays them: {_listed(counts)}"
        yield Issue("note", f"program {program} ({names[program]})", reason)
    strange = Counter(one.patch for one in sounds if one.patch and not one.known)
    if strange:
        reason = f"stems are labeled by their program: {_listed(strange)}"
        yield Issue("note", "patches that are not in slakh_patches.tsv", reason)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{patch} ({count})" for patch, count in sorted(counts.items()))


def corpus(split: Split = "", labels_by: LabelsBy = "patch") -> Corpus:
    """Slakh2100 read with other settings; see `read`."""
    return Corpus(
        name="slakh",
        title="Slakh2100 (Synthesized Lakh)",
        citation=(
            "E. Manilow, G. Wichern, P. Seetharaman, J. Le Roux: Cutting Music Source Separation Some Slakh: A Dataset "
            "to Study the Impact of Training Data Quality and Quantity. WASPAA 2019"
        ),
        licence=LICENCE,
        tree=TREE,
        how_to_get=(
            "slakh2100_flac_redux.tar.gz (some 100 GB) from https://zenodo.org/records/4599666; its first 20 tracks at "
            "16 kHz, babyslakh_16k.tar.gz (0.9 GB), from https://zenodo.org/records/4603870"
        ),
        read=partial(read, split=split, labels_by=labels_by),
    )


CORPUS = corpus()

"""Reading the songs of a corpus whose metadata have the form of MedleyDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from organology.corpora.base import SourceSong, SourceStem
from organology.corpora.issues import Issue, issue_of
from organology.corpora.readers.medley.activations import Seconds, read_activations
from organology.corpora.readers.medley.format import MedleyFormat
from organology.corpora.readers.medley.labeled_songs import LabeledSong, LabeledStem, instruments_of_part, label_song
from organology.corpora.readers.medley.metadata import SongMetadata, read_metadata
from organology.corpora.readers.medley.tree import STEMS, Tree, audio_in, find_audio
from organology.counted import counted
from organology.errors import CorpusError

_MOST_NAMES = 5


def read_labels(root: Path, medley_format: MedleyFormat) -> Iterator[LabeledSong | Issue]:
    """Songs and labels from the metadata alone; no audio has to be there.

    Raises
    ------
    CorpusError
        If there are no metadata in the folder.
    """
    tree = _tree(root, medley_format)
    for song in sorted(tree.metadata):
        place = tree.place(tree.metadata[song][0])
        try:
            metadata = read_metadata(tree.metadata[song][0])
            if medley_format.owns(metadata):
                labeled, issues = label_song(metadata, medley_format, place)
                yield from issues
                yield labeled
        except Exception as error:
            yield _refused(error, song, tree)


def read(root: Path, medley_format: MedleyFormat, *, keep_bleed: bool = False) -> Iterator[SourceSong | Issue]:
    """Songs of a folder; see `Corpus.read`.

    Parameters
    ----------
    root : Path
    medley_format : MedleyFormat
    keep_bleed : bool
        Take songs with bleed too; in each of their stems the labels of the others are unknown.

    Raises
    ------
    CorpusError
        If there are no metadata in the folder, or no audio of theirs.
    """
    tree = _tree(root, medley_format)
    here = [song for song in sorted(tree.metadata) if _has_audio(song, tree, medley_format)]
    away = sorted(tree.metadata.keys() - set(here))
    if not here:
        count = len(tree.metadata)
        raise CorpusError(
            f"{root}: metadata of {counted(count, 'song')}, but no stems of theirs; expected\n{medley_format.tree}"
        )
    foreign, excerpts = [], []
    for song in here:
        try:
            metadata = read_metadata(tree.metadata[song][0])
            if not medley_format.owns(metadata):
                foreign.append(song)
                continue
            used = metadata.has_bleed is False or keep_bleed
            found = list(_song_of(metadata, tree, medley_format)) if used else [_with_bleed(metadata, tree)]
        except Exception as error:
            found = [_refused(error, song, tree)]
        else:
            if metadata.excerpt and used:
                excerpts.append(song)
        yield from found
    if foreign:
        yield Issue("note", "metadata", f"{counted(len(foreign), 'song')} of another corpus: {_listed(foreign)}")
    yield from _issues(tree, [song for song in here if song not in foreign], away, excerpts)


def _with_bleed(metadata: SongMetadata, tree: Tree) -> Issue:
    reason = "marked has_bleed" if metadata.has_bleed else "not marked to be without bleed"
    return Issue("dropped", tree.place(tree.metadata[metadata.song][0]), f"the song is {reason}", metadata.song)


def _song_of(metadata: SongMetadata, tree: Tree, medley_format: MedleyFormat) -> Iterator[SourceSong | Issue]:
    labeled, issues = label_song(metadata, medley_format, tree.place(tree.metadata[metadata.song][0]))
    yield from issues
    yield from _song(labeled, tree, medley_format)


def _refused(error: Exception, song: str, tree: Tree) -> Issue:
    path = tree.metadata[song][0]
    issue = issue_of(error, tree.place(path), song)
    return replace(issue, reason=issue.reason.removeprefix(f"{path}: "))


def looks_like(root: Path, medley_format: MedleyFormat) -> bool:
    """Whether a folder holds songs of this corpus, with audio."""
    tree = Tree.find(root)
    for song in sorted(tree.metadata):
        if _has_audio(song, tree, medley_format):
            try:
                if medley_format.owns(read_metadata(tree.metadata[song][0])):
                    return True
            except CorpusError:
                continue
    return False


def _tree(root: Path, medley_format: MedleyFormat) -> Tree:
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder")
    tree = Tree.find(root)
    if not tree.metadata:
        raise CorpusError(f"{root}: no <Song>_METADATA.yaml in this folder; expected\n{medley_format.tree}")
    return tree


def _has_audio(song: str, tree: Tree, medley_format: MedleyFormat) -> bool:
    if tree.stems_folder(song) is not None:
        return True
    return medley_format.raw_audio and any(audio_in(folder) for folder in tree.raw_folders(song))


def _song(labeled: LabeledSong, tree: Tree, medley_format: MedleyFormat) -> Iterator[SourceSong | Issue]:
    """The stems of a song with their audio and activity."""
    song = labeled.metadata.song
    active, issue = _activations(song, tree)
    if issue is not None:
        yield issue
    folder = tree.stems_folder(song) or tree.root / f"{song}{STEMS}"
    files, raw = audio_in(folder), _raw_audio(song, tree, medley_format)
    artist, performer = medley_format.artists(labeled.metadata)
    stems: list[SourceStem] = []
    summed = False
    for stem in labeled.stems:
        filename = stem.track.filename or f"{song}_STEM_{stem.track.name[1:]}.wav"
        path = find_audio(files, filename)
        parts = _parts(stem, raw) if path is None else []
        summed |= len(parts) > 1
        for part, source in parts or [(stem, path or folder / filename)]:
            stems.append(_stem(part, source, performer, active.get(part.track.name), medley_format))
    if summed:
        reason = "stems are missing; the raw tracks that they are made of take their place"
        yield Issue("note", tree.place(tree.metadata[song][0]), reason, song)
    yield SourceSong(song, tuple(stems), artist)


def _stem(
    stem: LabeledStem, path: Path, artist: str, active: Seconds | None, medley_format: MedleyFormat
) -> SourceStem:
    return SourceStem(
        stem=stem.track.name,
        path=path,
        instruments=stem.instruments,
        word=stem.word,
        artist=artist,
        kind="performance",
        licence=medley_format.licence,
        aligned=True,
        active=active,
    )


def _raw_audio(song: str, tree: Tree, medley_format: MedleyFormat) -> dict[str, Path]:
    files: dict[str, Path] = {}
    if medley_format.raw_audio:
        for folder in reversed(tree.raw_folders(song)):
            files |= audio_in(folder)
    return files


def _parts(stem: LabeledStem, files: dict[str, Path]) -> list[tuple[LabeledStem, Path]]:
    """The raw tracks of a stem, each as a stem (`S01_R02`); one alone is the stem. Empty if there is none of them."""
    paths = {raw.name: find_audio(files, raw.filename) for raw in stem.track.raw}
    folder = next((path.parent for path in paths.values() if path is not None), None)
    if folder is None:
        return []
    parts = []
    for raw in stem.track.raw:
        part = stem
        if len(paths) > 1:
            track = replace(raw, name=f"{stem.track.name}_{raw.name}")
            part = LabeledStem(track, stem.word, instruments_of_part(stem, raw))
        parts.append((part, paths[raw.name] or folder / raw.filename))
    return parts


def _activations(song: str, tree: Tree) -> tuple[dict[str, Seconds], Issue | None]:
    paths = tree.activations.get(song)
    if not paths:
        return {}, None
    try:
        return read_activations(paths[0]), None
    except CorpusError as error:
        reason = f"{str(error).removeprefix(f'{paths[0]}: ')}; activity is measured instead"
        return {}, Issue("note", tree.place(paths[0]), reason, song)


def _issues(tree: Tree, here: Sequence[str], away: Sequence[str], excerpts: Sequence[str]) -> Iterator[Issue]:
    """What concerns many songs, a line each."""
    for song in tree.songs_without_metadata():
        yield Issue("refused", tree.place(tree.folders[f"{song}{STEMS}"][0]), f"no {song}_METADATA.yaml", song)
    if away:
        yield Issue("note", "metadata", f"{counted(len(away), 'song')} without audio here: {_listed(away)}")
    several = [song for song in here if len(tree.metadata[song]) > 1]
    if several:
        used = sorted({tree.place(tree.metadata[song][0].parent) for song in several})
        reason = f"{counted(len(several), 'song')} with more than one file; those in {_listed(used)} are used"
        yield Issue("note", "metadata", reason)
    twice = [song for song in here if len(tree.folders.get(f"{song}{STEMS}", ())) > 1]
    if twice:
        yield Issue("note", "stems", f"{counted(len(twice), 'song')} there twice; the first is used: {_listed(twice)}")
    if excerpts:
        yield Issue("note", "metadata", f"{counted(len(excerpts), 'song')} of excerpts: {_listed(excerpts)}")


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")

"""Reading the songs of a corpus whose metadata have the form of MedleyDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from organology.corpora.base import Remark, SourceSong, SourceStem
from organology.corpora.readers.medleydb.activations import Seconds, read_activations
from organology.corpora.readers.medleydb.metadata import SongMetadata, read_metadata
from organology.corpora.readers.medleydb.stem_labels import Form, LabeledSong, LabeledStem, label_song, labels_of_part
from organology.corpora.readers.medleydb.tree import STEMS, Tree, audio_in, find_audio
from organology.errors import CorpusError

_MOST_NAMES = 5


def read_labels(root: Path, form: Form) -> Iterator[LabeledSong | Remark]:
    """Songs and labels from the metadata alone; no audio has to be there.

    Raises
    ------
    CorpusError
        If there are no metadata in the folder.
    """
    tree = _tree(root, form)
    for song in sorted(tree.metadata):
        metadata = _metadata(song, tree)
        if isinstance(metadata, Remark):
            yield metadata
        elif form.owns(metadata):
            labeled, remarks = label_song(metadata, form, tree.place(tree.metadata[song][0]))
            yield from remarks
            yield labeled


def read(root: Path, form: Form, *, keep_bleed: bool = False) -> Iterator[SourceSong | Remark]:
    """Songs of a folder; see `Corpus.read`.

    Parameters
    ----------
    root : Path
    form : Form
    keep_bleed : bool
        Take songs with bleed too; in each of their stems the labels of the others are unknown.

    Raises
    ------
    CorpusError
        If there are no metadata in the folder, or no audio of theirs.
    """
    tree = _tree(root, form)
    here = [song for song in sorted(tree.metadata) if _has_audio(song, tree, form)]
    away = sorted(tree.metadata.keys() - set(here))
    if not here:
        count = len(tree.metadata)
        raise CorpusError(f"{root}: metadata of {count} songs, but no stems of theirs; expected\n{form.tree}")
    foreign, excerpts = [], []
    for song in here:
        place = tree.place(tree.metadata[song][0])
        metadata = _metadata(song, tree)
        if isinstance(metadata, Remark):
            yield metadata
        elif not form.owns(metadata):
            foreign.append(song)
        elif metadata.has_bleed is not False and not keep_bleed:
            told = "marked has_bleed" if metadata.has_bleed else "not told to be without bleed"
            yield Remark("dropped", place, f"the song is {told}", song)
        else:
            labeled, remarks = label_song(metadata, form, place)
            yield from remarks
            yield from _song(labeled, tree, form)
            if metadata.excerpt:
                excerpts.append(song)
    if foreign:
        yield Remark("note", "metadata", f"{len(foreign)} songs are of another corpus: {_listed(foreign)}")
    yield from _remarks(tree, [song for song in here if song not in foreign], away, excerpts)


def looks_like(root: Path, form: Form) -> bool:
    """Whether a folder holds songs of this corpus, with audio."""
    tree = Tree.find(root)
    for song in sorted(tree.metadata):
        if _has_audio(song, tree, form):
            metadata = _metadata(song, tree)
            if not isinstance(metadata, Remark) and form.owns(metadata):
                return True
    return False


def _tree(root: Path, form: Form) -> Tree:
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder")
    tree = Tree.find(root)
    if not tree.metadata:
        raise CorpusError(f"{root}: no <Song>_METADATA.yaml in this folder; expected\n{form.tree}")
    return tree


def _has_audio(song: str, tree: Tree, form: Form) -> bool:
    if tree.stems_folder(song) is not None:
        return True
    return form.raw_audio and any(audio_in(folder) for folder in tree.raw_folders(song))


def _metadata(song: str, tree: Tree) -> SongMetadata | Remark:
    path = tree.metadata[song][0]
    try:
        return read_metadata(path)
    except CorpusError as error:
        return Remark("refused", tree.place(path), str(error).removeprefix(f"{path}: "), song)


def _song(labeled: LabeledSong, tree: Tree, form: Form) -> Iterator[SourceSong | Remark]:
    """The stems of a song with their audio and activity."""
    song = labeled.metadata.song
    active, remark = _activations(song, tree)
    if remark is not None:
        yield remark
    folder = tree.stems_folder(song) or tree.root / f"{song}{STEMS}"
    files, raw = audio_in(folder), _raw_audio(song, tree, form)
    artist, performer = form.artists(labeled.metadata)
    stems: list[SourceStem] = []
    summed = False
    for stem in labeled.stems:
        filename = stem.track.filename or f"{song}_STEM_{stem.track.name[1:]}.wav"
        path = find_audio(files, filename)
        parts = _parts(stem, raw) if path is None else []
        summed |= len(parts) > 1
        for part, source in parts or [(stem, path or folder / filename)]:
            stems.append(_stem(part, source, performer, active.get(part.track.name), form))
    if summed:
        reason = "stems are missing; the raw tracks that they are made of take their place"
        yield Remark("note", tree.place(tree.metadata[song][0]), reason, song)
    yield SourceSong(song, tuple(stems), artist)


def _stem(stem: LabeledStem, path: Path, artist: str, active: Seconds | None, form: Form) -> SourceStem:
    return SourceStem(
        stem=stem.track.name,
        path=path,
        labels=stem.labels,
        word=stem.word,
        artist=artist,
        kind="performance",
        licence=form.licence,
        aligned=True,
        active=active,
    )


def _raw_audio(song: str, tree: Tree, form: Form) -> dict[str, Path]:
    files: dict[str, Path] = {}
    if form.raw_audio:
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
            part = LabeledStem(track, stem.word, labels_of_part(stem, raw))
        parts.append((part, paths[raw.name] or folder / raw.filename))
    return parts


def _activations(song: str, tree: Tree) -> tuple[dict[str, Seconds], Remark | None]:
    paths = tree.activations.get(song)
    if not paths:
        return {}, None
    try:
        return read_activations(paths[0]), None
    except CorpusError as error:
        reason = f"{str(error).removeprefix(f'{paths[0]}: ')}; activity is measured instead"
        return {}, Remark("note", tree.place(paths[0]), reason, song)


def _remarks(tree: Tree, here: Sequence[str], away: Sequence[str], excerpts: Sequence[str]) -> Iterator[Remark]:
    """What concerns many songs, a line each."""
    for song in tree.songs_without_metadata():
        yield Remark("refused", tree.place(tree.folders[f"{song}{STEMS}"][0]), f"no {song}_METADATA.yaml", song)
    if away:
        yield Remark("note", "metadata", f"{len(away)} songs have no audio here: {_listed(away)}")
    several = [song for song in here if len(tree.metadata[song]) > 1]
    if several:
        used = sorted({tree.place(tree.metadata[song][0].parent) for song in several})
        reason = f"{len(several)} songs have more than one file; those in {_listed(used)} are used"
        yield Remark("note", "metadata", reason)
    twice = [song for song in here if len(tree.folders.get(f"{song}{STEMS}", ())) > 1]
    if twice:
        yield Remark("note", "stems", f"{len(twice)} songs are there twice; the first is used: {_listed(twice)}")
    if excerpts:
        yield Remark("note", "metadata", f"{len(excerpts)} songs are excerpts: {_listed(excerpts)}")


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")

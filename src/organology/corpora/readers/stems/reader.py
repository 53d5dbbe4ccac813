"""A person's own songs with stems.

The instruments come from `stems.csv` (one at the root, or one in a song's folder; see `manifest`), or else from the
names of files and folders: the longest word of the vocabulary `stems` in the name of a file, else in those of the
folders between it and its song.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from organology import audio
from organology.corpora.base import Corpus, SourceSong, SourceStem
from organology.corpora.issues import NOT_TEXT, Issue, is_text, issue_of, shown_path
from organology.corpora.names import Found, find_instrument, tokens
from organology.corpora.readers.stems import manifest
from organology.corpora.readers.stems.layout import artist_of, place_of, song_name
from organology.errors import AudioError, CorpusError

TREE = """\
ROOT/
├── stems.csv                   optional, see docs/corpora.md
├── Some Artist - Some Song/    a folder that holds audio is a song
│   ├── LeadVox.wav             labels from the names, e.g. "vox" ...
│   ├── 02_kick.flac
│   └── Guitars/                ... a folder named after an instrument belongs to the song above
│       └── solo.mp3
├── Other Artist/
│   └── Other Song/
│       ├── stems.csv           optional, for this song
│       └── stems/piano.wav
└── Violin/                     instrument folders right here: same name = same song
    └── duo.wav"""


def read(root: Path) -> Iterator[SourceSong | Issue]:
    """Songs of a folder; see `Corpus.read`.

    Raises
    ------
    CorpusError
        If the folder holds no audio, or a `stems.csv` cannot be read.
    """
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder")
    if (root / manifest.FILE_NAME).is_file():
        yield from _with_strays(root, [root / manifest.FILE_NAME])
        return
    yield from _with_strays(root, sorted(root.rglob(manifest.FILE_NAME)))


def _with_strays(root: Path, tables: list[Path]) -> Iterator[SourceSong | Issue]:
    """Songs of the tables, then those of files in folders that no table speaks for."""
    listed: set[Path] = set()
    for table in tables:
        try:
            items = list(manifest.read(table, root))
        except CorpusError as error:
            if table.parent == root:
                raise
            items = [issue_of(error, str(table))]
        for item in items:
            if isinstance(item, SourceSong):
                listed.update(stem.path for stem in item.stems)
            yield item
    try:
        files = audio.find(root)
    except AudioError:
        if not tables:
            raise CorpusError(f"{root}: no audio in this folder; expected\n{TREE}") from None
        return
    rest = [file for file in files if not any(file.is_relative_to(table.parent) for table in tables)]
    for table in tables:
        under = [file for file in files if file.is_relative_to(table.parent)]
        unlisted = len(under) - len(listed.intersection(under))
        if unlisted:
            yield Issue("note", str(table), f"{unlisted} audio files in its folder are not used")
    yield from _by_name(rest, root)


def _by_name(files: list[Path], root: Path) -> Iterator[SourceSong | Issue]:
    songs: dict[tuple[str, ...], list[tuple[Path, str]]] = {}
    for file in files:
        if not is_text(str(file)):
            yield Issue("refused", shown_path(file, root), NOT_TEXT)
            continue
        key, stem = place_of(file.relative_to(root))
        songs.setdefault(key, []).append((file, stem))
    for key, members in songs.items():
        try:
            found = list(_song(key, members, root))
        except Exception as error:
            found = [issue_of(error, song_name(key, root))]
        yield from found


def _song(key: tuple[str, ...], members: list[tuple[Path, str]], root: Path) -> Iterator[SourceSong | Issue]:
    name = song_name(key, root)
    title = [tokens(stem.rpartition("/")[2]) for _, stem in members]
    shared = _shared_tokens(title) if len(members) > 1 else 0
    stems: dict[str, SourceStem] = {}
    for (file, stem), words in zip(members, title, strict=True):
        if stem in stems:
            stem = f"{stem}{file.suffix}"
        place = file.relative_to(root).as_posix()
        found = find_instrument(words[shared:]) or find_instrument(words) or _in_folders(file.relative_to(root), stem)
        if found is None:
            reason = f"no instrument word in the name; rename it (docs/corpora.md), or write {manifest.FILE_NAME}"
            yield Issue("refused", place, reason, name, stem)
        elif found.instruments is None:
            yield Issue("dropped", place, f"{found.word!r} names no instrument", name, stem)
        else:
            stems[stem] = SourceStem(stem, file, found.instruments, found.word)
    if stems:
        yield SourceSong(name, tuple(stems.values()), artist_of(key))


def _in_folders(file: Path, stem: str) -> Found | None:
    """The instrument that the folders between a stem and its song tell, the nearest first."""
    folders = [part for part in stem.split("/")[:-1] if part] or [stem]
    return next((found for part in folders[::-1] if (found := find_instrument(tokens(part)))), None)


def _shared_tokens(names: list[list[str]]) -> int:
    """How many tokens all names begin with: the song's title, which may hold instrument words too."""
    count = 0
    for column in zip(*names, strict=False):
        if len(set(column)) > 1:
            break
        count += 1
    return count


def corpus() -> Corpus:
    """A person's own songs."""
    return Corpus(
        name="stems",
        title="A person's own songs with stems",
        citation="",
        licence="the owner's; column `licence` of stems.csv",
        tree=TREE,
        how_to_get="Multi-track sessions, exported one file an instrument from the same start.",
        read=read,
    )


CORPUS = corpus()

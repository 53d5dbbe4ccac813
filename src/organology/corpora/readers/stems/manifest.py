"""`stems.csv`: the labels of a person's own stems, one row a stem.

Columns (only `path` has to be there; unknown ones are ignored and reported):

| column | meaning |
|---|---|
| `path` | of the audio, relative to the csv's folder |
| `song` | default: the folder of the file, as without a csv |
| `artist` or `artist_or_performer` | default: from the folders, as without a csv |
| `stem` | default: the name of the file |
| `instrument` | words of the vocabulary, or concepts, joined by a vertical bar |
| `vocabulary` | default `stems`; `general_midi` takes program numbers |
| `families`, `instruments` | labels or concepts, instead of `instrument`; `none`: it holds none |
| `mask` | labels or concepts that are unknown, joined by a vertical bar |
| `label_note` | free text; a clause "mask X", "mask X and Y" or "mask X, Y" in it counts as `mask` |
| `kind`, `licence`, `aligned`, `split` | as in the table; `aligned` is true or false |

Labels are those of the default set, `bradl15`: a stem with the family `plucked_string` alone holds no guitar. Concepts
are those of `organology.labels`. A row without any of them goes by the names of its file and folder.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from organology.corpora.base import KINDS, SourceSong, SourceStem
from organology.corpora.instruments import Instruments
from organology.corpora.issues import Issue, issue_of
from organology.corpora.names import find_instrument, tokens
from organology.corpora.readers.stems.layout import artist_of, place_of, song_name
from organology.corpora.readers.stems.masks import checked, mask, mask_clauses
from organology.corpora.splits import SPLITS
from organology.errors import CorpusError, UnknownWordError, one_line
from organology.labels import Vocabulary, concept_tree, default_set

FILE_NAME = "stems.csv"
COLUMNS = (
    *("path", "song", "artist", "stem", "instrument", "vocabulary", "families", "instruments", "mask", "kind"),
    *("licence", "aligned", "label_note", "split"),
)
_SYNONYMS = {"artist_or_performer": "artist", "license": "licence"}
NOTHING = "none"
OWN_VOCABULARY = "stems"
_TRUTH = {"": None, "true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class _ExcludedError(Exception):
    """The word of a stem names no instrument."""

    def __init__(self, word: str) -> None:
        self.word = word
        super().__init__(word)


def read(table: Path, root: Path) -> Iterator[SourceSong | Issue]:
    """Songs of one `stems.csv`.

    Parameters
    ----------
    table : Path
        The csv; paths in it are relative to its folder.
    root : Path
        Of the corpus; songs without a name are named after their folder's place in it.

    Raises
    ------
    CorpusError
        If the file cannot be read as such a table.
    """
    rows, ignored = _rows(table)
    if ignored:
        yield Issue("note", str(table), f"columns ignored: {', '.join(ignored)}")
    songs: dict[str, list[tuple[SourceStem, dict[str, str]]]] = {}
    seen: set[str] = set()
    for number, row in rows:
        song, row["artist"] = _song_and_artist(row, table.parent, root)
        name = row["stem"] or PurePosixPath(row["path"]).stem
        place = f"{table}, line {number}"
        try:
            _check_path(row["path"])
            if row["path"] in seen:
                raise CorpusError(f"{row['path']} stands twice")
            seen.add(row["path"])
            stem = _stem(row, name, table.parent, place)
        except _ExcludedError as excluded:
            yield Issue("dropped", f"{place}, stem {name}", f"{excluded.word!r} names no instrument", song, name)
        except UnknownWordError as error:
            where, _, reason = str(error).partition(": ")
            yield Issue("refused", where, reason, song, name)
        except Exception as error:
            yield issue_of(error, f"{place}, stem {name}", song, name)
        else:
            songs.setdefault(song, []).append((stem, row))
    for song, members in songs.items():
        yield from _song(song, members, table)


def _rows(table: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Rows with all `COLUMNS`, each with its line number, and the columns that were ignored."""
    try:
        text = table.read_text("utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{table}: {one_line(error)}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{table}: must be UTF-8, got {error}") from error
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        given = [name.strip().casefold() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise CorpusError(f"{table}, line 1: {error}") from error
    known = [_SYNONYMS.get(name, name) for name in given]
    if "path" not in known:
        raise CorpusError(f"{table}: no column `path` (columns: {', '.join(given) or 'none'})")
    twice = sorted({name for name in known if name in COLUMNS and known.count(name) > 1})
    if twice:
        raise CorpusError(f"{table}: column {twice[0]} stands twice")
    reader.fieldnames = known
    rows = []
    try:
        for row in reader:
            values = {name: " ".join((row.get(name) or "").split()) for name in COLUMNS}
            values["path"] = (row.get("path") or "").strip().replace("\\", "/")
            if any(values.values()):
                rows.append((reader.line_num, values))
    except csv.Error as error:
        raise CorpusError(f"{table}, line {reader.line_num}: {error}") from error
    return rows, [name for name in known if name and name not in COLUMNS]


def _check_path(path: str) -> None:
    if not path:
        raise CorpusError("no path")
    if any(unicodedata.category(character) == "Cc" for character in path):
        raise CorpusError(f"path {path!r} must not hold control characters")
    if PurePosixPath(path).name in ("", "..") or path.endswith("/"):
        raise CorpusError(f"path {path!r} must name a file")


def _song_and_artist(row: dict[str, str], folder: Path, root: Path) -> tuple[str, str]:
    """Song and artist of a row."""
    if folder == root:
        key, _ = place_of(PurePosixPath(row["path"]))
    else:
        key = folder.relative_to(root).parts
    return row["song"] or song_name(key, root), row["artist"] or ("" if row["song"] else artist_of(key))


def _stem(row: dict[str, str], name: str, folder: Path, place: str) -> SourceStem:
    aligned = row["aligned"].casefold()
    if aligned not in _TRUTH:
        raise CorpusError(f"aligned {row['aligned']!r} is neither true nor false")
    if row["kind"].casefold() not in KINDS:
        raise CorpusError(f"kind {row['kind']!r} is none of {', '.join(filter(None, KINDS))}")
    if row["split"] and row["split"].casefold() not in SPLITS:
        raise CorpusError(f"split {row['split']!r} is none of {', '.join(SPLITS)}")
    word, instruments = _instruments(row, f"{place}, stem {name}")
    return SourceStem(
        stem=name,
        path=folder / row["path"],
        instruments=mask(instruments, [*_split(row["mask"]), *mask_clauses(row["label_note"])]),
        word=word,
        artist=row["artist"],
        kind=row["kind"].casefold(),
        licence=row["licence"],
        aligned=_TRUTH[aligned],
    )


def _split(cell: str) -> list[str]:
    return [label for part in cell.split("|") if (label := part.strip().casefold())]


def _instruments(row: dict[str, str], where: str) -> tuple[str, Instruments]:
    """The word of a row and its instruments, before masking."""
    named = [*_split(row["families"]), *_split(row["instruments"])]
    if row["instrument"]:
        if named:
            raise CorpusError("both `instrument` and `families` or `instruments`: give one of them")
        return row["instrument"], _of_words(row["instrument"], row["vocabulary"], where)
    if NOTHING in named:
        if set(named) != {NOTHING}:
            raise CorpusError(f"{NOTHING!r} together with {', '.join(sorted({*named} - {NOTHING}))}")
        return NOTHING, Instruments()
    if named:
        return row["instruments"] or row["families"], _of_labels(checked(named))
    if row["mask"] or mask_clauses(row["label_note"]):
        return "", Instruments()
    path = PurePosixPath(row["path"])
    found = find_instrument(tokens(path.stem)) or find_instrument(tokens(path.parent.name))
    if found is None:
        raise CorpusError(f"no instrument, families or instruments, and no instrument word in the name {row['path']}")
    if found.instruments is None:
        raise _ExcludedError(found.word)
    return found.word, found.instruments


def _of_words(words: str, vocabulary: str, where: str) -> Instruments:
    """Instruments of words of a vocabulary; without a vocabulary named, concepts count as words too."""
    try:
        table = Vocabulary.load(vocabulary or OWN_VOCABULARY)
    except ValueError as error:
        raise CorpusError(str(error)) from error
    used = []
    for word in map(str.strip, words.split("|")):
        concept = None if vocabulary or word in table else concept_tree().find(word)
        if concept is not None:
            used.append(Instruments((concept,)))
        elif (entry := table.entry(word, where)).policy != "exclude":
            used.append(Instruments.of(entry))
    if not used:
        raise _ExcludedError(words)
    return Instruments.union(used)


def _of_labels(words: list[str]) -> Instruments:
    """Instruments of labels and concepts; a label says nothing more beside a concept that it takes in."""
    label_set = default_set()
    concepts = [word for word in words if word not in label_set.labels]
    if not concepts:
        return Instruments.of_labels(label_set, words)
    implied, _ = label_set.decode(label_set.encode(concepts))
    labels = [word for word in words if word in label_set.labels and word not in implied]
    precise = Instruments(tuple(concepts))
    return Instruments.union([precise, Instruments.of_labels(label_set, labels)]) if labels else precise


def _song(song: str, members: list[tuple[SourceStem, dict[str, str]]], table: Path) -> Iterator[SourceSong | Issue]:
    """One song of its rows; a stem whose name stands twice is named by its path, or refused."""
    names = [stem.stem for stem, _ in members]
    stems: dict[str, SourceStem] = {}
    splits = {row["split"].casefold() for _, row in members}
    if len(splits) > 1:
        yield Issue("refused", str(table), f"song {song!r}: its rows name different splits", song)
        return
    for stem, row in members:
        name = stem.stem
        if names.count(name) > 1 and not row["stem"]:
            name = str(PurePosixPath(row["path"]).with_suffix(""))
        if name in stems:
            name = row["path"]
        if row["stem"] and names.count(row["stem"]) > 1:
            yield Issue("refused", f"{table}, stem {name}", f"song {song!r} has this stem twice", song, name)
            continue
        stems[name] = replace(stem, stem=name)
    artists = {stem.artist for stem in stems.values()}
    artist = artists.pop() if len(artists) == 1 else ""
    yield SourceSong(song, tuple(stems.values()), artist, splits.pop())

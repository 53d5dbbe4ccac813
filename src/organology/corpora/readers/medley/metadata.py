"""The metadata of one song in the form of MedleyDB, `<Song>_METADATA.yaml`; Mixing Secrets has it too.

```yaml
artist: A Classic Education
excerpt: 'no'
has_bleed: 'no'
stems:
  S01:
    filename: AClassicEducation_NightOwl_STEM_01.wav
    instrument: electric bass          # or a list of words
    raw:
      R01: {filename: AClassicEducation_NightOwl_RAW_01_01.wav, instrument: electric bass}
```
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from organology.config.yaml_reader import YamlError, load_yaml
from organology.errors import CorpusError, one_line

SUFFIX = "_METADATA.yaml"


@dataclass(frozen=True)
class Track:
    """A stem, or a raw track that went into one.

    Attributes
    ----------
    name : str
        `S01` of a stem, `R01` of a raw track.
    filename : str
        In the song's folder of stems or of raw tracks; "" where it is not told.
    words : tuple of str
        The instruments, as they are written.
    raw : tuple of Track
        Of a stem.
    """

    name: str
    filename: str
    words: tuple[str, ...]
    raw: tuple[Track, ...] = ()


@dataclass(frozen=True)
class SongMetadata:
    """What the metadata say of a song.

    Attributes
    ----------
    song : str
        Artist_Title, from the name of the file.
    artist, title, genre, origin : str
        "" where not told.
    has_bleed, excerpt, instrumental : bool or None
        None where not told.
    stems : tuple of Track
    """

    song: str
    artist: str
    title: str
    genre: str
    origin: str
    has_bleed: bool | None
    excerpt: bool | None
    instrumental: bool | None
    stems: tuple[Track, ...]


def read_metadata(path: Path) -> SongMetadata:
    """Read the metadata of one song.

    Parameters
    ----------
    path : Path
        `<Song>_METADATA.yaml`.

    Raises
    ------
    CorpusError
        If the file cannot be read as such metadata. Fields that are missing or empty are no fault, but `stems` is.
    """
    values = _load(path)
    if not isinstance(values, dict):
        raise CorpusError(f"{path}: not a mapping of fields")
    stems = values.get("stems")
    if not isinstance(stems, dict) or not stems:
        raise CorpusError(f"{path}: no mapping `stems` in it")
    return SongMetadata(
        song=song_of(path),
        artist=_text(values.get("artist")),
        title=_text(values.get("title")),
        genre=_text(values.get("genre")),
        origin=_text(values.get("origin")),
        has_bleed=_truth(values.get("has_bleed")),
        excerpt=_truth(values.get("excerpt")),
        instrumental=_truth(values.get("instrumental")),
        stems=tuple(_track(name, stem) for name, stem in stems.items()),
    )


def song_of(path: Path) -> str:
    """The song that a metadata file is of.

    Examples
    --------
    >>> song_of(Path("AClassicEducation_NightOwl_METADATA.yaml"))
    'AClassicEducation_NightOwl'
    """
    return path.name[: -len(SUFFIX)]


def _track(name: Any, values: Any) -> Track:
    values = values if isinstance(values, dict) else {}
    raw = values.get("raw")
    return Track(
        name=_text(name),
        filename=_text(values.get("filename")),
        words=_words(values.get("instrument")),
        raw=tuple(_track(key, track) for key, track in raw.items()) if isinstance(raw, dict) else (),
    )


def _words(value: Any) -> tuple[str, ...]:
    """Words of a field that holds one or a list; a word that YAML takes for a number is one all the same."""
    words = [word for item in value for word in _words(item)] if isinstance(value, list) else [_text(value)]
    return tuple(dict.fromkeys(filter(None, words)))


def _text(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _truth(value: Any) -> bool | None:
    return {"yes": True, "true": True, "no": False, "false": False}.get(_text(value).casefold())


def _load(path: Path) -> Any:
    try:
        text = _decode(path.read_bytes())
    except OSError as error:
        raise CorpusError(f"{path}: {one_line(error)}") from error
    try:
        return load_yaml(text, unique_keys=True)
    except YamlError as error:
        if "\t" in text:  # not allowed in YAML, but typed all the same
            try:
                return load_yaml(text.replace("\t", "  "), unique_keys=True)
            except YamlError:
                pass
        raise CorpusError(f"{path}: {error}") from error


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")

"""The tracks of a Slakh2100 folder: where they lie, and what their `metadata.yaml` says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from organology.config.yaml_reader import YamlError, load_yaml
from organology.corpora.issues import Issue, issue_of
from organology.errors import CorpusError, one_line

METADATA = "metadata.yaml"
OMITTED = "omitted"
_TRACK = re.compile(r"Track\d{5}")
_FOLDERS = ("train", "validation", "test", OMITTED)
_LAST_OF = (("train", 1500), ("validation", 1875), ("test", 2100))


@dataclass(frozen=True)
class Track:
    """One track.

    Attributes
    ----------
    name : str
        TrackNNNNN.
    folder : Path
    place : str
        The folder relative to the root.
    stems : dict of str to Any
        As in `metadata.yaml`.
    midi : str
        The MIDI file of Lakh that it plays (`UUID`).
    song : str
        The Million Song Dataset track that Lakh matches the MIDI file to.
    """

    name: str
    folder: Path
    place: str
    stems: dict[str, Any]
    midi: str
    song: str

    @property
    def published_split(self) -> str:
        """The split, or `omitted`, of whose folder it is; by its number where there are no such folders."""
        parent = self.folder.parent.name
        return parent if parent in _FOLDERS else self.original_split

    @property
    def original_split(self) -> str:
        """The split of the first release, which goes by numbers."""
        return original_split(self.name)


def original_split(track: str) -> str:
    """The split of a track in the first release, which goes by numbers.

    Examples
    --------
    >>> original_split("Track01876")
    'test'
    """
    number = int(track.removeprefix("Track"))
    return next((split for split, last in _LAST_OF if number <= last), "test")


def track_folders(root: Path) -> list[Path]:
    """The folders of all tracks, by number; those in `omitted` last among equals.

    The root may also be the folder into which one release was unpacked.
    """
    if not root.is_dir():
        return []
    for top in (root, *_subfolders(root)):
        parents = (top, *(top / name for name in _FOLDERS))
        found = [path for parent in parents for path in _subfolders(parent) if _TRACK.fullmatch(path.name)]
        if found:
            return sorted(found, key=lambda path: (path.name, path.parent.name == OMITTED))
    return []


def _subfolders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir())


def read_tracks(root: Path, folders: Sequence[Path]) -> Iterator[Track | Issue]:
    """What the metadata of each track folder say, or why they cannot be used."""
    for folder in folders:
        place = folder.relative_to(root).as_posix()
        try:
            yield _track(folder, place)
        except Exception as error:
            yield issue_of(error, f"{place}/{METADATA}", folder.name)


def _track(folder: Path, place: str) -> Track:
    values = _yaml(folder / METADATA)
    stems = values.get("stems") if isinstance(values, dict) else None
    if not isinstance(stems, dict):
        raise CorpusError("no mapping `stems` in it")
    midi = str(values.get("UUID") or folder.name)
    song = PurePosixPath(str(values.get("lmd_midi_dir") or "")).parent.name
    return Track(folder.name, folder, place, {str(name): stem for name, stem in stems.items()}, midi, song or midi)


def _yaml(path: Path) -> Any:
    try:
        return load_yaml(path.read_bytes())
    except OSError as error:
        raise CorpusError(one_line(error)) from error
    except YamlError as error:
        raise CorpusError(str(error)) from error


def songs_of(tracks: Sequence[Track]) -> dict[str, str]:
    """Track -> the song it plays: one for all tracks that a MIDI file or a matched song links."""
    leader: dict[str, str] = {}

    def find(key: str) -> str:
        while leader.setdefault(key, key) != key:
            key = leader[key]
        return key

    for track in tracks:
        first, other = sorted((find(track.song), find(f"~{track.midi}")))  # "~": songs come before MIDI files
        leader[other] = first
    return {track.name: find(track.song) for track in tracks}

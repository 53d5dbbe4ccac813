"""Audio files in folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from organology.errors import AudioError

_NAMES = (
    ".3gp .aac .ac3 .aif .aifc .aiff .alac .amr .ape .asf .au .avi .caf .dsf .flac .flv .m4a .m4b .m4v .mka .mkv .mov "
    ".mp2 .mp3 .mp4 .mpc .mpeg .mpg .oga .ogg .ogv .opus .ra .rf64 .rm .snd .spx .tak .tta .voc .w64 .wav .wave .weba "
    ".webm .wma .wmv .wv"
)
SUFFIXES = frozenset(_NAMES.split())
"""Names that are looked at in folders (lower case). A file that is named itself is taken whatever its suffix."""


def find(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Audio files among files and folders.

    Parameters
    ----------
    paths : path or iterable of paths
        A file is taken as it is. A folder is searched with all below it, for names that end like audio or video
        (`SUFFIXES`), links followed; hidden files and folders are passed over.

    Returns
    -------
    list of Path
        In the order of `paths`, sorted within each folder, none twice. Paths begin as they were given.

    Raises
    ------
    AudioError
        If a path does not exist, or a folder holds no audio.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        if path.is_dir():
            files = sorted(_walk(path))
            if not files:
                raise AudioError(f"{path}: no audio in this folder")
            found.update(dict.fromkeys(files))
        elif path.exists():
            found[path] = None
        else:
            raise AudioError(f"{path}: no such file or folder")
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link to where we have been
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield Path(parent, name)

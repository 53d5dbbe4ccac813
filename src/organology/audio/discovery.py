"""Audio files in folders and behind patterns."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from organology.errors import AudioError
from organology.leftovers import is_leftover

_NAMES = (
    ".3gp .aac .ac3 .aif .aifc .aiff .alac .amr .ape .asf .au .avi .caf .dsf .flac .flv .m4a .m4b .m4v .mka .mkv .mov "
    ".mp2 .mp3 .mp4 .mpc .mpeg .mpg .oga .ogg .ogv .opus .ra .rf64 .rm .snd .spx .tak .tta .voc .w64 .wav .wave .weba "
    ".webm .wma .wmv .wv"
)
SUFFIXES = frozenset(_NAMES.split())
"""Names that are looked at in folders (lower case). A file that is named itself is taken whatever its suffix."""

_MAGIC = re.compile(r"[*?[]")


def find(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Audio files among files and folders.

    Parameters
    ----------
    paths : path or iterable of paths
        A file is taken as it is. A folder is searched as `search` does.

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
            files = search(path)
            if not files:
                raise AudioError(f"{path}: no audio in this folder")
            found.update(dict.fromkeys(files))
        elif path.exists():
            found[path] = None
        else:
            raise AudioError(f"{path}: no such file or folder")
    return list(found)


def search(
    folder: str | os.PathLike[str],
    *,
    recursive: bool = True,
    hidden: bool = False,
    unreadable: Callable[[OSError], None] | None = None,
) -> list[Path]:
    """Audio files in a folder: those with names that end like audio or video (`SUFFIXES`, in any case).

    Links are followed, but no folder is searched twice.

    Parameters
    ----------
    folder : path
    recursive : bool
        Folders in it too, with all below them.
    hidden : bool
        Also files and folders whose name begins with a dot.
    unreadable : callable, optional
        Called with the error where a folder cannot be read; the rest goes on.

    Returns
    -------
    list of Path
        Sorted; each begins with `folder`.
    """
    return sorted(_walk(Path(folder), recursive, hidden, unreadable))


def _walk(folder: Path, recursive: bool, hidden: bool, unreadable: Callable[[OSError], None] | None) -> Iterator[Path]:
    seen = set()
    for parent, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link to where we have been
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if hidden or not name.startswith(".")) if recursive else []
        for name in names:
            if (
                (hidden or not name.startswith("."))
                and not is_leftover(parent, name)
                and Path(name).suffix.lower() in SUFFIXES
            ):
                yield Path(parent, name)


def is_pattern(path: str) -> bool:
    """Whether a path holds one of the signs of a pattern: `*`, `?`, `[`."""
    return _MAGIC.search(path) is not None


def matching(pattern: str, *, hidden: bool = False) -> tuple[Path, list[Path]]:
    """What a pattern matches, as a shell with `**` would tell it.

    Parameters
    ----------
    pattern : str
        `*`, `?` and `[abc]` within a name, `**` for any folders; links to folders are not followed by `**`.
    hidden : bool
        Also names that begin with a dot. Where the pattern itself says the dot, they are taken anyway.

    Returns
    -------
    (Path, list of Path)
        The folder in which the pattern begins, and files and folders, sorted. Of the files, where the pattern leaves
        the suffix open (`**/*`), those that end like audio or video (`SUFFIXES`).

    Raises
    ------
    AudioError
        If the pattern is not one.
    """
    parts = Path(pattern).parts
    first = next(i for i, part in enumerate(parts) if is_pattern(part))
    base, rest = Path(*parts[:first]), parts[first:]
    try:
        found = sorted(base.glob(str(Path(*rest))))
    except (ValueError, NotImplementedError, re.error) as error:
        raise AudioError(f"{pattern}: not a pattern: {error}") from None
    says_dot = any(part.startswith(".") for part in rest)
    open_suffix = is_pattern(Path(rest[-1]).suffix) or not Path(rest[-1]).suffix
    taken = []
    for path in found:
        below = path.relative_to(base).parts
        if not (hidden or says_dot) and any(part.startswith(".") for part in below):
            continue
        if is_leftover(path.parent, path.name):
            continue  # left by a run that was killed
        is_folder = path.is_dir()
        if is_folder and "**" in rest and rest[-1] != "**":
            continue  # what is below it is matched by itself
        if is_folder or not open_suffix or path.suffix.lower() in SUFFIXES:
            taken.append(path)
    return base, taken

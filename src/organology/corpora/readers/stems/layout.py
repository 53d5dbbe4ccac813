"""Songs and stems by where files lie.

A folder that holds audio is a song. Folders named after an instrument ("Guitars") and those without meaning ("stems")
belong to the song above them. Instrument folders right below the root hold one file a song.
"""

from __future__ import annotations

from pathlib import Path, PurePath, PurePosixPath  # noqa: F401  (PurePosixPath: doctests)

from organology.corpora.names import find_instrument, is_instrument, tokens

_CONTAINERS = frozenset(
    (
        *("stem", "stems", "track", "tracks", "multitrack", "multitracks", "audio", "files", "media", "raw"),
        *("wav", "wavs", "flac", "mp3"),
    )
)
_SPLIT_FOLDERS = frozenset(("train", "training", "test", "testing", "valid", "validation", "val", "dev"))
_SEPARATOR = " - "


def place_of(file: PurePath) -> tuple[tuple[str, ...], str]:
    """The song and the stem that a file belongs to.

    Parameters
    ----------
    file : PurePath
        Relative to the root of the corpus.

    Returns
    -------
    key : tuple of str
        Folders that name the song, the artist's first; empty where the root itself is the song.
    stem : str
        With the instrument folders between the song and the file.

    Examples
    --------
    >>> place_of(PurePosixPath("Some Artist/Some Song/stems/Guitars/solo.wav"))
    (('Some Artist', 'Some Song'), 'Guitars/solo')
    >>> place_of(PurePosixPath("violin/duo.wav"))
    (('duo',), 'violin')
    """
    parents = list(file.parts[:-1])
    depth = len(parents)
    while depth and (parents[depth - 1].casefold() in _CONTAINERS or is_instrument(parents[depth - 1])):
        depth -= 1
    inner = [part for part in parents[depth:] if part.casefold() not in _CONTAINERS]
    if depth or not inner:
        return tuple(parents[:depth]), "/".join([*inner, file.stem])
    if find_instrument(tokens(file.stem)) is not None:  # ROOT/Brass/tuba.wav: a song called Brass
        return (inner[0],), "/".join([*inner[1:], file.stem])
    return ("/".join([*inner[1:], file.stem]),), inner[0]  # ROOT/violin/duo.wav: a song called duo


def song_name(key: tuple[str, ...], root: Path) -> str:
    """The name of a song from its folders; that of the root where there is none."""
    return "/".join(key) or root.resolve().name


def artist_of(key: tuple[str, ...]) -> str:
    """The artist that a song's folders name: "Artist - Title", or the folder above the song; "" if none does."""
    if key and _SEPARATOR in key[-1]:
        return key[-1].partition(_SEPARATOR)[0].strip()
    if len(key) > 1 and key[-2].casefold() not in _SPLIT_FOLDERS:
        return key[-2]
    return ""

"""What a file's tags say of the recording: names, and the identifiers of MusicBrainz."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from organology.errors import show_traceback
from organology.filetags.fields import check_mutagen

_NAMES = ("title", "artist", "album")
_MUSICBRAINZ = {
    "recording": "musicbrainz_trackid",  # as Picard names it, by an older name of recordings
    "track": "musicbrainz_releasetrackid",
    "release": "musicbrainz_albumid",
    "release_group": "musicbrainz_releasegroupid",
    "artists": "musicbrainz_artistid",
}


def read_identity(path: Path) -> dict[str, Any]:
    """Title, artist and album, and MusicBrainz identifiers.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        What there is of `title`, `artist`, `album` (str) and `musicbrainz` (dict of what there is of `recording`,
        `track`, `release`, `release_group`, each str, and `artists`, list of str). Empty for a file that cannot
        be read, or has none of them.

    Raises
    ------
    OrganologyError
        If mutagen is missing.
    """
    check_mutagen()
    import mutagen

    try:
        file = mutagen.File(path, easy=True)
        tags = {} if file is None or file.tags is None else file.tags
        found: dict[str, Any] = {}
        for name in _NAMES:
            if values := _texts(tags, name):
                found[name] = ", ".join(values)
        ids = {ours: values for ours, theirs in _MUSICBRAINZ.items() if (values := _texts(tags, theirs))}
    except Exception as error:  # mutagen raises whatever a damaged file leads to
        show_traceback(error)
        return {}
    if ids:
        found["musicbrainz"] = {name: values if name == "artists" else values[0] for name, values in ids.items()}
    return found


def _texts(tags: Any, name: str) -> list[str]:
    """Values of a field; none where this kind of tags does not know it."""
    try:
        values = tags.get(name, [])
    except (KeyError, ValueError):
        return []
    return [str(value) for value in ([values] if isinstance(values, str) else values)]

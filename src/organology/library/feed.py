"""A store as a JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/), for players and media servers.

An item is a recording, the latest first. What the standard has no field for is in `_organology`, as
`docs/howto/players.md` lists it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

import numpy as np
from numpy.typing import NDArray

from organology.errors import OptionError, OrganologyError
from organology.filetags.fields import check_mutagen
from organology.filetags.identity import read_identity
from organology.library.rows import channel_name
from organology.library.table import Library
from organology.outputs.html.audio import MEDIA_TYPES
from organology.outputs.sinks import opened
from organology.timeaxis import clock

VERSION = "https://jsonfeed.org/version/1.1"
ABOUT = "https://github.com/organology/organology/blob/main/docs/howto/players.md"


@dataclass(frozen=True)
class FeedOptions:
    """What a feed holds, and how it names things.

    Attributes
    ----------
    since : datetime, optional
        Only what was recognized at this moment or later.
    root : Path, optional
        The music folder: only what lies in it, with paths relative to it.
    root_url : str
        Where the music folder is served; "": recordings are named by `file:` addresses.
    feed_url : str
        Where the first page will be; pages refer to each other by it. "": by their names.
    page_size : int, optional
        Recordings on a page; None: all are on one.
    with_tags : bool
        Names and MusicBrainz identifiers, read out of the files.

    Raises
    ------
    OptionError
        If there is a `root_url` without a `root`.
    """

    since: datetime | None = None
    root: Path | None = None
    root_url: str = ""
    feed_url: str = ""
    page_size: int | None = None
    with_tags: bool = False

    def __post_init__(self) -> None:
        if self.root_url and self.root is None:
            raise OptionError("--root-url", "is the address of a folder; name it with --root")


class _Row(NamedTuple):
    """What is read of a recording besides `Library`."""

    recognized_at: str
    size: int
    content: str | None


def parse_moment(text: str) -> datetime:
    """A moment as people write it, in ISO 8601; in UTC where it does not say otherwise.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> parse_moment("2026-03-01").isoformat(), parse_moment("2026-03-01T10:00+02:00").isoformat()
    ('2026-03-01T00:00:00+00:00', '2026-03-01T08:00:00+00:00')
    """
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise OptionError("--since", f"{text!r} is no date such as 2026-03-01 or 2026-03-01T10:00Z") from error


def write_feed(library: Library, output: Path | None, options: FeedOptions, title: str) -> int:
    """Write the recordings of a store, or those that were found in it.

    Parameters
    ----------
    library : Library
        Damaged rows are left out, and named in its `unreadable`.
    output : Path, optional
        Of the first page; further ones lie beside it (`feed.json`, `feed-2.json`, …). None: standard output.
    options : FeedOptions
    title : str
        Of the feed.

    Returns
    -------
    int
        How many recordings are in it.

    Raises
    ------
    OrganologyError
        If it cannot be written, several pages would go to standard output, or tags cannot be read.
    """
    if options.with_tags:
        check_mutagen()
    feed = _Feed(library, options)
    n_items = len(feed.chosen)
    size = options.page_size or max(n_items, 1)
    n_pages = max(1, -(-n_items // size))
    if output is None and n_pages > 1:
        raise OrganologyError(f"standard output: holds one page, these are {n_pages}; name a file")
    name = "" if output is None else output.name
    for number in range(n_pages, 0, -1):  # whoever reads meanwhile finds the page that a page refers to
        head = feed.head(title, name, number, n_pages)
        page = None if output is None else output.with_name(_numbered(name, number))
        with opened(page, durable=True) as stream:
            stream.write(_json(head).removesuffix("}") + ', "items": [')
            for i in range((number - 1) * size, min(number * size, n_items)):
                stream.write(f"{',' if i % size else ''}\n {_json(feed.item(i))}")
            stream.write("\n]}\n")
    return n_items


class _Feed:
    """The recordings of a feed in its order, as objects for JSON."""

    def __init__(self, library: Library, options: FeedOptions) -> None:
        self._library, self._options = library, options
        self._root = None if options.root is None else options.root.absolute()

    @cached_property
    def _rows(self) -> dict[int, _Row]:
        """By number; without those that are damaged."""
        store = self._library.store
        columns = {row[1] for row in store.select("PRAGMA table_info(recording)")}
        content = "content" if "content" in columns else "NULL"  # which stores of version 1 have not
        if not len(self._library):
            return {}
        rows = store.select(f"SELECT id, recognized_at, size, {content} FROM recording WHERE failure IS NULL")
        return {
            number: _Row(moment, size, content if isinstance(content, str) else None)
            for number, moment, size, content in rows
            if isinstance(moment, str) and isinstance(size, int)
        }

    @cached_property
    def chosen(self) -> Library:
        """What is in the feed, the latest first; of the same second by path."""
        library, rows = self._library, self._rows
        since = "" if self._options.since is None else self._options.since.isoformat(timespec="seconds")
        numbers = library.ids.tolist()
        library.unreadable.extend(
            name for name, number in zip(library.names, numbers, strict=True) if number not in rows
        )
        places = [
            i
            for i, number in enumerate(numbers)
            if number in rows
            and rows[number].recognized_at >= since
            and (self._root is None or PurePath(library.paths[i]).is_relative_to(self._root))
        ]
        places.sort(key=lambda i: rows[numbers[i]].recognized_at, reverse=True)
        return library.taken(np.array(places, np.intp))

    def head(self, title: str, name: str, number: int, n_pages: int) -> dict[str, Any]:
        """All of a page but its items."""
        url = self._options.feed_url
        folder, slash, last = url.rpartition("/")
        prefix, first = (f"{folder}{slash}", last) if url else ("", _quoted(name))
        latest = max((row.recognized_at for row in self._rows.values()), default=None)
        return {
            "version": VERSION,
            "title": title,
            **({"feed_url": f"{prefix}{_numbered(first, number)}"} if url else {}),
            **({"next_url": f"{prefix}{_numbered(first, number + 1)}"} if number < n_pages else {}),
            "_organology": {"about": ABOUT, "label_set": self._library.label_set.name, "latest": latest},
        }

    def item(self, i: int) -> dict[str, Any]:
        """A recording."""
        library, options = self.chosen, self._options
        path, channel, row = library.paths[i], int(library.channels[i]), self._rows[int(library.ids[i])]
        shown = path if self._root is None else PurePath(path).relative_to(self._root).as_posix()
        address = f"{options.root_url.rstrip('/')}/{_quoted(shown)}" if options.root_url else Path(path).as_uri()
        label_set = library.label_set
        plays = [label for label, on in zip(label_set.labels, library.plays[i], strict=True) if on]
        tags = [label_set.display[label] for label in plays]
        identity = read_identity(Path(path)) if options.with_tags else {}
        title = " - ".join(identity[name] for name in ("artist", "title") if name in identity)
        duration = round(float(library.durations[i]), 3)
        return {
            "id": channel_name(address, channel),
            "title": channel_name(title if "title" in identity else PurePath(path).stem, channel),
            "content_text": f"{clock(duration)}: {', '.join(tags) or 'nothing recognized'}",
            "date_modified": row.recognized_at,
            "tags": tags,
            "attachments": [
                {
                    "url": address,
                    "mime_type": MEDIA_TYPES.get(PurePath(path).suffix.lower(), "application/octet-stream"),
                    "size_in_bytes": row.size,
                    "duration_in_seconds": duration,
                }
            ],
            "_organology": {
                "path": shown,
                "channel": channel or None,
                "content": row.content,
                **identity,
                "model": library.runs[int(library.run_ids[i])].model,
                "instruments": plays,
                "scores": _by_label(label_set.labels, library.scores[i], 4),
                "seconds": _by_label(label_set.labels, library.seconds[i], 2),
            },
        }


def _by_label(labels: Sequence[str], values: NDArray[Any], digits: int) -> dict[str, float]:
    return {label: round(value, digits) for label, value in zip(labels, values.tolist(), strict=True)}


def _numbered(name: str, number: int) -> str:
    """The name of a page, from that of the first.

    >>> _numbered("feed.json", 1), _numbered("feed.json", 2), _numbered("feed", 3)
    ('feed.json', 'feed-2.json', 'feed-3')
    """
    if number == 1:
        return name
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}-{number}{dot}{suffix}" if dot else f"{name}-{number}"


def _quoted(path: str) -> str:
    return quote_from_bytes(path.encode("utf-8", "surrogateescape"))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)

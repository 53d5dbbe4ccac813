"""From what a user names to files: as `organology recognize` does, and addresses and Parquet tables of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from organology.audio.discovery import SUFFIXES, is_pattern
from organology.audio.inputs import expand
from organology.audio.sources.spooling import spool
from organology.cluster.address import is_address
from organology.cluster.dataset import file_system
from organology.cluster.schema import FileKey, local_path
from organology.errors import OrganologyError, UnreadableError, one_line
from organology.library.rows import FileState

COLUMNS = ("uri", "url", "path", "file")
"""Columns of a table in which addresses are looked for, in this order; a single column of texts may be named anyhow."""

_REQUESTS = 32  # to object storage at once


@dataclass
class Sources:
    """What was named, as files.

    Attributes
    ----------
    files : list of FileKey
        No path twice.
    failures : list of (str, str)
        Names without any file behind them, and why.
    """

    files: list[FileKey] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)


def find_sources(
    paths: Sequence[str],
    lists: Sequence[str] = (),
    *,
    null: bool = False,
    recursive: bool = True,
    hidden: bool = False,
) -> Sources:
    """Find the files behind what a user names.

    Parameters
    ----------
    paths, lists, null, recursive, hidden
        As in `audio.inputs.expand`. A path, and a line of a list, may be an address (`s3://…`, `gs://…`, `file://…`):
        of an object, of a folder, or a pattern. A path that ends in `.parquet` is a table with a column of addresses
        or paths.

    Raises
    ------
    OrganologyError
        If standard input is named as audio, or a list cannot be read.
    """
    named = _Named(recursive=recursive, hidden=hidden)
    for path in paths:
        if path == "-":
            raise OrganologyError("-: audio on standard input goes without --engine ray")
        if path.startswith("@") and len(path) > 1 and not os.path.lexists(path):
            named.add_all(_lines(path[1:], null))
        elif path.lower().endswith(".parquet"):
            named.add_all(_addresses(path))
        else:
            named.add(path)
    for path in lists:
        named.add_all(_lines(path, null))
    return named.found()


class _Named:
    """Names, collected so that addresses are asked for many at once."""

    def __init__(self, *, recursive: bool, hidden: bool) -> None:
        self._recursive, self._hidden = recursive, hidden
        self._paths: list[str] = []
        self._addresses: list[str] = []

    def add(self, name: str) -> None:
        if name.startswith("file://"):
            self._paths.append(local_path(name))
        else:
            (self._addresses if is_address(name) else self._paths).append(name)

    def add_all(self, names: Iterable[str]) -> None:
        for name in names:
            self.add(name)

    def found(self) -> Sources:
        files: dict[str, FileKey] = {}
        local = expand(self._paths, recursive=self._recursive, hidden=self._hidden)
        failures = list(local.failures)
        for item in local.files:
            state = FileState.of(item.name)
            if state is None:
                failures.append((item.name, "no such file"))
            else:
                files.setdefault(state.path, FileKey.of_state(state))
        with ThreadPoolExecutor(_REQUESTS) as pool:
            for address, found in zip(self._addresses, pool.map(self._behind, self._addresses), strict=True):
                if isinstance(found, str):
                    failures.append((address, found))
                else:
                    for key in found:
                        files.setdefault(key.path, key)
        return Sources(list(files.values()), failures)

    def _behind(self, address: str) -> list[FileKey] | str:
        """The objects behind an address, or why there is none."""
        try:
            files, path = file_system(address)
            if is_pattern(path) and not files.exists(path):
                infos = [one for one in files.glob(path, detail=True).values() if one["type"] == "file"]
                return _keys(files, infos, self._hidden) or "no object matches this pattern"
            info = files.info(path)
            if info["type"] == "file":
                return [_key(files, info)]
            below = files.find(path, detail=True, maxdepth=None if self._recursive else 1)
            return _keys(files, below.values(), self._hidden) or "no audio in this folder"
        except OrganologyError as error:
            return str(error).removeprefix(f"{address}: ")
        except FileNotFoundError:
            return "no such object or folder"
        except Exception as error:  # whatever the storage's client raises
            return one_line(error)


def _keys(files: Any, infos: Iterable[dict[str, Any]], hidden: bool) -> list[FileKey]:
    keys = [_key(files, info) for info in infos if Path(info["name"]).suffix.lower() in SUFFIXES]
    return sorted(
        (one for one in keys if hidden or not one.path.rpartition("/")[2].startswith(".")), key=lambda one: one.path
    )


def _key(files: Any, info: dict[str, Any]) -> FileKey:
    etag = info.get("ETag") or info.get("etag")
    changed = next((info[name] for name in ("LastModified", "mtime", "updated", "last_modified") if name in info), None)
    mtime_ns = round(changed.timestamp() * 1e9) if isinstance(changed, datetime) else 0
    size = info.get("size")
    return FileKey(
        files.unstrip_protocol(info["name"]),
        -1 if size is None else int(size),
        0 if etag else mtime_ns,
        str(etag).strip('"') if etag else None,
    )


def _lines(path: str, null: bool) -> list[str]:
    """The names in a list."""
    try:
        if path == "-":
            content = sys.stdin.buffer.read()
        elif is_address(path):
            files, inner = file_system(path)
            content = files.cat_file(inner)
        else:
            content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise OrganologyError(f"{path}: {one_line(error)}") from error
    named = content.split(b"\0") if null else content.removeprefix(b"\xef\xbb\xbf").splitlines()
    return [os.fsdecode(one) for one in named if one]


def _addresses(table: str) -> Iterator[str]:
    """The addresses or paths in a Parquet table."""
    try:
        files, path = file_system(table if is_address(table) else str(Path(table).absolute()))
        with files.open(path, "rb") as file:
            schema = pq.read_schema(file)
            texts = [one.name for one in schema if pa.types.is_string(one.type) or pa.types.is_large_string(one.type)]
            column = next((name for name in COLUMNS if name in texts), texts[0] if len(texts) == 1 else None)
            if column is None:
                raise OrganologyError(f"{table}: a table must have a column {', '.join(COLUMNS)}, got {schema.names}")
            names = pq.read_table(file, columns=[column])[column]
    except (OSError, pa.ArrowInvalid) as error:
        raise OrganologyError(f"{table}: {one_line(error)}") from error
    yield from (name for name in names.to_pylist() if name)


def opened(key: FileKey) -> str | BinaryIO:
    """What a recognizer takes for a file: its path, or a copy of the object in memory or in a temporary file.

    Raises
    ------
    UnreadableError
        "PATH: reason".
    """
    path = local_path(key.path)
    if not is_address(path):
        return path
    try:
        files, path = file_system(key.path)
        with files.open(path, "rb", cache_type="readahead") as file:
            return spool(file, key.path)
    except FileNotFoundError:
        raise UnreadableError(f"{key.path}: no such file") from None
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(f"{key.path}: {one_line(error)}") from error

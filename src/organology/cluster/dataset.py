"""A partitioned Parquet dataset of recordings, in a folder or in object storage.

```
DATASET/run=<model>-<hop>-<scoring>/part-<job>-<block>.parquet
```

A file of it is written whole, by one request or one rename, and never changed. Its name follows from the job and from
what it holds, so a block that is done again after a worker died replaces itself. Rows of several jobs may be of one
recording; the latest counts.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from organology.atomic import written_whole
from organology.cluster.address import is_address
from organology.cluster.schema import FIXED, LISTS, DatasetRun, FileKey
from organology.errors import OrganologyError, StoreError, one_line
from organology.labels import LabelSet, default_set
from organology.leftovers import sweep_once

_PART = re.compile(r"(?:^|/)run=(?P<run>[^/]+)/part-(?P<job>[0-9a-z]+)-[0-9a-z]+\.parquet$")
_DONE_COLUMNS = ("path", "size", "mtime_ns", "etag", "channel", "channels", "failure", "transient")


def file_system(address: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises
    ------
    OrganologyError
        "ADDRESS: reason" if there is none of its kind, or its package is missing.
    """
    try:
        found: tuple[Any, str] = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError, OSError) as error:
        raise OrganologyError(f"{address}: cannot be opened: {' '.join(str(error).split())}") from error
    return found


class Dataset:
    """A dataset; nothing is made before something is written.

    Parameters
    ----------
    address : path or str
        A folder, or an address such as `s3://bucket/results`.

    Raises
    ------
    StoreError
        From every method: "ADDRESS: reason".
    """

    def __init__(self, address: str | os.PathLike[str]) -> None:
        self.address = os.fspath(address)
        place = self.address if is_address(self.address) else str(Path(self.address).absolute())
        self.files, root = file_system(place)
        self.root = root.rstrip("/")

    def __reduce__(self) -> tuple[Any, ...]:
        place = self.address if is_address(self.address) else str(Path(self.address).absolute())
        return Dataset, (place,)

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine."""
        return isinstance(self.files, LocalFileSystem)

    def parts(self) -> dict[str, list[str]]:
        """Partition -> its files, sorted; as they are now."""
        self.files.invalidate_cache()
        found: dict[str, list[str]] = {}
        try:
            names = self.files.find(self.root)
        except FileNotFoundError:
            return {}
        except Exception as error:  # whatever the storage's client raises
            raise StoreError(f"{self.address}: cannot be read: {one_line(error)}") from error
        for name in sorted(names):
            match = _PART.search(name)
            if match is not None:
                found.setdefault(match["run"], []).append(name)
        return found

    def jobs(self, parts: Mapping[str, Sequence[str]] | None = None) -> set[str]:
        """The jobs that wrote it; within one, no recording is there twice. `parts` saves to list the files again."""
        listed = self.parts() if parts is None else parts
        return {str(match["job"]) for names in listed.values() for name in names if (match := _PART.search(name))}

    def runs(self, parts: Mapping[str, Sequence[str]] | None = None) -> dict[str, DatasetRun]:
        """Partition -> its run. `parts` saves to list the files again."""
        found = {}
        for partition, names in (self.parts() if parts is None else parts).items():
            with self._reading(names[0]) as file:
                found[partition] = DatasetRun.of(pq.read_schema(file), f"{self.address}: {names[0]}")
        return found

    @cached_property
    def label_set(self) -> LabelSet:
        """Of all its runs; the default set where there is none.

        Raises
        ------
        StoreError
            If they have several.
        """
        sets = {run.label_set.digest: run.label_set for run in self.runs().values()}
        if len(sets) > 1:
            names = ", ".join(sorted(one.name for one in sets.values()))
            raise StoreError(f"{self.address}: must hold one label set, got {names}")
        return next(iter(sets.values()), default_set())

    def check_run(self, run: DatasetRun) -> None:
        """Check that a run can be added.

        Raises
        ------
        StoreError
            If the dataset holds another label set, or a label has the name of another column.
        """
        taken = {*FIXED, *LISTS} & {*run.label_set.labels, *(f"{label}_seconds" for label in run.label_set.labels)}
        if taken:
            raise StoreError(f"{self.address}: a label must not have the name of a column, got {', '.join(taken)}")
        for known in self.runs().values():
            if known.label_set.digest != run.label_set.digest:
                raise StoreError(
                    f"{self.address}: holds the label set {known.label_set.name}, this run has {run.label_set.name};"
                    " name another dataset"
                )

    def done(self, run: DatasetRun, *, split: bool = False) -> dict[FileKey, str | None]:
        """Files that are done, and why those that could not be recognized failed.

        Parameters
        ----------
        run : DatasetRun
        split : bool
            Whether channels are recognized alone.
        """
        found: dict[FileKey, str | None] = {}
        for table in self.tables(self.parts().get(run.partition, []), _DONE_COLUMNS):
            for path, size, mtime_ns, etag, channel, channels, failure, transient in zip(
                *(table[name].to_pylist() for name in _DONE_COLUMNS), strict=True
            ):
                is_wanted = (channel > 0) == split or (split and channels == 1)
                if not transient and (failure is not None or is_wanted):
                    found[FileKey(path, size, mtime_ns, etag)] = failure
        return found

    def tables(self, names: Iterable[str], columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Files as tables, one after the other."""
        for name in names:
            with self._reading(name) as file:
                yield pq.read_table(file, columns=None if columns is None else list(columns))

    def write(self, run: DatasetRun, job: str, block: str, table: pa.Table) -> None:
        """Write rows as one file.

        Parameters
        ----------
        run : DatasetRun
        job : str
            Letters and digits that name the job.
        block : str
            Letters and digits that name what the rows are of; a second write of the same block replaces the first.
        table : pyarrow.Table
            Of `run.schema`.
        """
        name = f"{self.root}/run={run.partition}/part-{job}-{block}.parquet"
        try:
            if self.is_local:
                sweep_once(Path(name).parent)
                with written_whole(name, durable=True) as temporary:
                    pq.write_table(table, temporary, compression="zstd")
                return
            content = io.BytesIO()
            pq.write_table(table, content, compression="zstd")
            self.files.pipe_file(name, content.getvalue())
        except Exception as error:
            raise StoreError(f"{self.address}: cannot be written: {one_line(error)}") from error

    def url(self, name: str) -> str:
        """A file of it as DuckDB opens it."""
        return name if self.is_local else str(self.files.unstrip_protocol(name))

    def _reading(self, name: str) -> Any:
        try:
            return self.files.open(name, "rb")
        except Exception as error:
            raise StoreError(f"{self.address}: {name}: {one_line(error)}") from error

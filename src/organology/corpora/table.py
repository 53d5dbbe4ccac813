"""The table of a prepared corpus: `stems.parquet`, one row a stem.

The columns are a contract with mixing; docs/architecture.md has their meaning. A row says by concepts which instruments
it holds, so that a table serves any label set: `labels_of`. Tables of older versions have a column for each of the 15
labels instead; they are read, but only with these labels. What is written is validated, and what is read is validated
again, as tables are also made by hand and by older versions.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from organology.atomic import written_whole
from organology.corpora.base import KINDS
from organology.corpora.instruments import Instruments
from organology.corpora.parquet import read_parquet
from organology.corpora.splits import SPLITS
from organology.errors import CorpusError
from organology.labels import ABSENT, PRESENT, UNKNOWN, LabelArray, LabelSet, concept_tree, default_set

TABLE_NAME = "stems.parquet"

COLUMNS: dict[str, pl.DataType] = {
    "corpus": pl.String(),
    "song": pl.String(),
    "artist": pl.String(),
    "stem": pl.String(),
    "path": pl.String(),
    "split": pl.String(),
    "frames": pl.Int64(),
    "active": pl.List(pl.Struct({"start": pl.Int64(), "end": pl.Int64()})),
    "kind": pl.String(),
    "aligned": pl.Boolean(),
    "licence": pl.String(),
    "word": pl.String(),
    "concepts": pl.List(pl.String()),
    "unknown_concepts": pl.List(pl.String()),
    "absent_concepts": pl.List(pl.String()),
}
"""Columns in order, with their types. The last three are `Instruments.present`, `unknown` and `absent`."""

_CONCEPTS = ("concepts", "unknown_concepts", "absent_concepts")
_OLD_LABELS = default_set()
_OLD_COLUMNS = {name: kind for name, kind in COLUMNS.items() if name not in _CONCEPTS} | {
    label: pl.Int8() for label in _OLD_LABELS.labels
}


def row(
    *,
    corpus: str,
    song: str,
    stem: str,
    path: str,
    split: str,
    frames: int,
    active: Iterable[tuple[int, int]],
    instruments: Instruments | None = None,
    labels: LabelArray | None = None,
    artist: str = "",
    kind: str = "",
    aligned: bool = False,
    licence: str = "",
    word: str = "",
) -> dict[str, Any]:
    """One row of the table.

    Parameters
    ----------
    active : iterable of (start, end)
        In frames at 32 kHz.
    instruments : Instruments, optional
    labels : int8 array, shape (n_labels,), optional
        Of the default set, in place of instruments: where no more is known.
    artist : str
        The song where it is empty.
    corpus, song, stem, path, split, frames, kind, aligned, licence, word
        As in docs/architecture.md.
    """
    if instruments is None:
        label_set = default_set()
        instruments = Instruments.of_labels(label_set, *(label_set.decode(labels) if labels is not None else ((), ())))
    return {
        "corpus": corpus,
        "song": song,
        "artist": artist or song,
        "stem": stem,
        "path": path,
        "split": split,
        "frames": int(frames),
        "active": [{"start": int(start), "end": int(end)} for start, end in active],
        "kind": kind,
        "aligned": bool(aligned),
        "licence": licence,
        "word": word,
        "concepts": list(instruments.present),
        "unknown_concepts": list(instruments.unknown),
        "absent_concepts": list(instruments.absent),
    }


def write_table(rows: Iterable[Mapping[str, Any]], folder: str | os.PathLike[str]) -> Path:
    """Write `stems.parquet` of a prepared corpus, whole or not at all.

    Parameters
    ----------
    rows : iterable of mappings
        Each with all `COLUMNS`; see `row`. They are sorted by song and stem.
    folder : path
        Of the prepared corpus.

    Raises
    ------
    CorpusError
        If a row is not as the contract says.
    """
    path = Path(folder) / TABLE_NAME
    ordered = sorted((dict(r) for r in rows), key=lambda r: (r.get("corpus", ""), r.get("song", ""), r.get("stem", "")))
    for number, r in enumerate(ordered):
        if set(r) != set(COLUMNS):
            odd = ", ".join(sorted(set(r) ^ set(COLUMNS)))
            raise CorpusError(f"{path}: row {number}: missing or unknown columns: {odd}")
    try:
        table = pl.DataFrame({name: [r[name] for r in ordered] for name in COLUMNS}, schema=COLUMNS, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise CorpusError(f"{path}: {' '.join(str(error).split())}") from error
    _validate(table, path)
    with written_whole(path) as temporary:
        table.write_parquet(temporary, compression="zstd")
    return path


def read_table(folder: str | os.PathLike[str], *, check_files: bool = False) -> pl.DataFrame:
    """Read and validate `stems.parquet` of a prepared corpus.

    Parameters
    ----------
    folder : path
        Of the prepared corpus.
    check_files : bool
        Also ask whether every audio file is there.

    Returns
    -------
    polars.DataFrame
        With `COLUMNS`, in order, or those of an older version.

    Raises
    ------
    CorpusError
        If there is no table, or it breaks the contract: columns, types, values, unknown concepts.
    """
    path = Path(folder) / TABLE_NAME
    table = read_parquet(path)
    _validate(table, path)
    if check_files:
        missing = [name for name in table["path"] if not (Path(folder) / name).is_file()]
        if missing:
            raise CorpusError(
                f"{Path(folder) / missing[0]}: no such file ({len(missing)} of {len(table)} stems missing)"
            )
    return table


def labels_of(table: pl.DataFrame, label_set: LabelSet | None = None) -> LabelArray:
    """Label vectors of all rows.

    Parameters
    ----------
    table : polars.DataFrame
        As `read_table` gives it, or rows of it.
    label_set : LabelSet, optional
        By default `default_set`.

    Returns
    -------
    int8 array, shape (n, n_labels)

    Raises
    ------
    CorpusError
        If the table is of an older version, which knows the labels of `bradl15` alone.
    """
    label_set = label_set or default_set()
    if not is_old(table):
        columns = [table[name].to_list() for name in _CONCEPTS]
        vectors = [Instruments(*map(tuple, cells)).encode(label_set) for cells in zip(*columns, strict=True)]
        return np.array(vectors, dtype=np.int8).reshape(-1, len(label_set))
    if label_set.digest != _OLD_LABELS.digest:
        corpora = ", ".join(sorted(set(table["corpus"])))
        raise CorpusError(
            f"{corpora}: the table knows only the labels of {_OLD_LABELS.name}, not of {label_set.name}; "
            f"run `organology prepare` again (it converts no audio)"
        )
    return table.select(_OLD_LABELS.labels).to_numpy().astype(np.int8).reshape(-1, len(_OLD_LABELS))


def is_old(table: pl.DataFrame) -> bool:
    """Whether a table is of an older version, with labels in place of concepts."""
    return "concepts" not in table.columns


def _validate(table: pl.DataFrame, path: Path) -> None:
    columns = COLUMNS if not is_old(table) else _OLD_COLUMNS
    if list(table.columns) != list(columns):
        odd = sorted(set(table.columns) ^ set(columns))
        raise CorpusError(f"{path}: {'columns ' + ', '.join(odd) if odd else 'order of columns'} not as it has to be")
    for name, kind in columns.items():
        if table.schema[name] != kind:
            raise CorpusError(f"{path}: column {name} is {table.schema[name]}, not {kind}")
        if table[name].null_count():
            raise CorpusError(f"{path}: column {name} has empty cells")
    faults = [
        ("no song or stem name", (pl.col("song") == "") | (pl.col("stem") == "") | (pl.col("corpus") == "")),
        ("path not relative to the corpus", pl.col("path").str.contains(r"^$|^/|\\|^[A-Za-z]:|(^|/)\.\.(/|$)")),
        ("song and stem stand twice", pl.struct("corpus", "song", "stem").is_duplicated()),
        ("split is none of " + ", ".join(SPLITS), ~pl.col("split").is_in(SPLITS)),
        ("kind is none of " + ", ".join(filter(None, KINDS)), ~pl.col("kind").is_in(KINDS)),
        ("frames not above 0", pl.col("frames") <= 0),
        *(_faults_of_labels() if is_old(table) else _faults_of_concepts()),
    ]
    for reason, condition in faults:
        wrong = table.filter(condition)
        if len(wrong):
            raise CorpusError(f"{path}: song {wrong['song'][0]!r}, stem {wrong['stem'][0]!r}: {reason}")
    _validate_active(table, path)


def _faults_of_concepts() -> Iterator[tuple[str, pl.Expr]]:
    known = list(concept_tree())
    for name in _CONCEPTS:
        yield f"{name}: no such concept", pl.col(name).list.eval(~pl.element().is_in(known)).list.any()
        yield f"{name}: empty cells", pl.col(name).list.eval(pl.element().is_null()).list.any()


def _faults_of_labels() -> Iterator[tuple[str, pl.Expr]]:
    for label in _OLD_LABELS.labels:
        yield f"{label} is not 1, 0 or -1", ~pl.col(label).is_in([PRESENT, ABSENT, UNKNOWN])
    for instrument, family in _OLD_LABELS.parents.items():
        below = (pl.col(family) == ABSENT) & (pl.col(instrument) != ABSENT)
        yield (
            f"family {family} below its instrument {instrument}",
            below | (pl.col(family) == UNKNOWN) & (pl.col(instrument) == PRESENT),
        )


def _validate_active(table: pl.DataFrame, path: Path) -> None:
    spans = table.select("song", "stem", "frames", "active").explode("active").drop_nulls("active").unnest("active")
    before = pl.col("end").shift(1).over("song", "stem").fill_null(0)
    wrong = spans.filter(
        (pl.col("start") < before) | (pl.col("end") <= pl.col("start")) | (pl.col("end") > pl.col("frames"))
    )
    if len(wrong):
        raise CorpusError(
            f"{path}: song {wrong['song'][0]!r}, stem {wrong['stem'][0]!r}: "
            f"active interval {wrong['start'][0]}-{wrong['end'][0]} overlaps, is empty or leaves the file"
        )

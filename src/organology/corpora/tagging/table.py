"""The table of a prepared tagging corpus: `tracks.parquet`, one row a track, and `tags.json` beside it.

| column | type | meaning |
|---|---|---|
| `corpus` | str | e.g. `jamendo` |
| `track` | str | unique in the corpus |
| `artist`, `album` | str | the track itself, "" where not known |
| `path` | str | of the audio, relative to the folder that `tags.json` names, with `/` |
| `split` | str | `train`, `validation`, `test` |
| `frames` | int64 | length at 32 kHz |
| `licence` | str | |
| `tags` | list of str | in the order of `tags.json`, none twice |

`tags.json` holds `version`, `corpus`, `tags` (the order of the targets) and `audio`, the folder of the audio: "." for
that of the table, else the source, as an absolute path, of a corpus that is read in place.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from organology.atomic import written_whole
from organology.corpora.parquet import read_parquet
from organology.corpora.splits import SPLITS
from organology.errors import CorpusError

TABLE_NAME = "tracks.parquet"
TAGS_NAME = "tags.json"
_VERSION = 1

COLUMNS: dict[str, pl.DataType] = {
    "corpus": pl.String(),
    "track": pl.String(),
    "artist": pl.String(),
    "album": pl.String(),
    "path": pl.String(),
    "split": pl.String(),
    "frames": pl.Int64(),
    "licence": pl.String(),
    "tags": pl.List(pl.String()),
}
"""Columns in order, with their types."""


@dataclass(frozen=True)
class Tags:
    """What `tags.json` says.

    Attributes
    ----------
    corpus : str
    tags : tuple of str
        In the order of the targets.
    audio : Path
        The folder that the paths of the table start from.
    """

    corpus: str
    tags: tuple[str, ...]
    audio: Path


def write_tracks(
    rows: Iterable[Mapping[str, Any]],
    folder: str | os.PathLike[str],
    corpus: str,
    tags: Sequence[str],
    audio: Path | None = None,
) -> Path:
    """Write `tags.json` and `tracks.parquet` of a prepared tagging corpus, each whole or not at all.

    Parameters
    ----------
    rows : iterable of mappings
        Each with all `COLUMNS`. They are sorted by track.
    folder : path
        Of the prepared corpus.
    corpus : str
    tags : sequence of str
        In the order of the targets.
    audio : Path, optional
        Of a corpus that is read in place, the folder its paths start from.

    Raises
    ------
    CorpusError
        If a row is not as the contract says.
    """
    path = Path(folder) / TABLE_NAME
    order = {tag: i for i, tag in enumerate(tags)}
    ordered = sorted((dict(row) for row in rows), key=lambda row: (row["corpus"], row["track"]))
    for row in ordered:
        row["tags"] = sorted(row["tags"], key=lambda tag: order.get(tag, len(order)))
    try:
        table = pl.DataFrame({name: [row[name] for row in ordered] for name in COLUMNS}, schema=COLUMNS, strict=True)
    except (KeyError, TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise CorpusError(f"{path}: {' '.join(str(error).split())}") from error
    _validate(table, tags, path)
    values = {
        "version": _VERSION,
        "corpus": corpus,
        "audio": "." if audio is None else str(audio.resolve()),
        "tags": list(tags),
    }
    with written_whole(Path(folder) / TAGS_NAME) as temporary:
        temporary.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    with written_whole(path) as temporary:
        table.write_parquet(temporary, compression="zstd")
    return path


def read_tracks(folder: str | os.PathLike[str]) -> tuple[pl.DataFrame, Tags]:
    """Read and validate the table and the tags of a prepared tagging corpus.

    Returns
    -------
    table : polars.DataFrame
        With `COLUMNS`, in order.
    tags : Tags

    Raises
    ------
    CorpusError
        If there is no table or no `tags.json`, or they break the contract.
    """
    path = Path(folder) / TABLE_NAME
    tags = read_tags(folder)
    table = read_parquet(path)
    _validate(table, tags.tags, path)
    return table, tags


def read_tags(folder: str | os.PathLike[str]) -> Tags:
    """Read `tags.json`.

    Raises
    ------
    CorpusError
        If it is missing or not as it has to be.
    """
    path = Path(folder) / TAGS_NAME
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CorpusError(f"{path}: no such file; `organology prepare` makes it") from error
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: {' '.join(str(error).split())}") from error
    tags = values.get("tags") if isinstance(values, dict) else None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise CorpusError(f"{path}: no list of tags in it")
    if len(set(tags)) != len(tags):
        raise CorpusError(f"{path}: a tag stands twice")
    if values.get("version") != _VERSION:
        raise CorpusError(f"{path}: version {values.get('version')}, this reads {_VERSION}")
    return Tags(str(values.get("corpus", "")), tuple(tags), Path(folder) / str(values.get("audio", ".")))


def _validate(table: pl.DataFrame, tags: Sequence[str], path: Path) -> None:
    if list(table.columns) != list(COLUMNS):
        odd = sorted(set(table.columns) ^ set(COLUMNS))
        raise CorpusError(f"{path}: {'columns ' + ', '.join(odd) if odd else 'order of columns'} not as it has to be")
    for name, kind in COLUMNS.items():
        if table.schema[name] != kind:
            raise CorpusError(f"{path}: column {name} is {table.schema[name]}, not {kind}")
        if table[name].null_count():
            raise CorpusError(f"{path}: column {name} has empty cells")
    faults = [
        ("no track name", (pl.col("track") == "") | (pl.col("corpus") == "")),
        ("path not relative", pl.col("path").str.contains(r"^$|^/|\\|^[A-Za-z]:|(^|/)\.\.(/|$)")),
        ("stands twice", pl.struct("corpus", "track").is_duplicated()),
        ("split is none of " + ", ".join(SPLITS), ~pl.col("split").is_in(SPLITS)),
        ("frames not above 0", pl.col("frames") <= 0),
        ("a tag that is not in tags.json", pl.col("tags").list.eval(~pl.element().is_in(tags)).list.any()),
        ("a tag stands twice", pl.col("tags").list.n_unique() != pl.col("tags").list.len()),
    ]
    for reason, condition in faults:
        wrong = table.filter(condition)
        if len(wrong):
            raise CorpusError(f"{path}: track {wrong['track'][0]!r}: {reason}")

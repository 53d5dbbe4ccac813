"""The schema of a Parquet dataset of recordings, and recognitions as its rows.

`docs/scale.md` lists the columns; other programs may read them. `VERSION` grows when a column changes or goes. Columns
may be added within a version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa

from organology.errors import StoreError
from organology.labels import LabelSet
from organology.library.columns import Columns
from organology.library.rows import FileState, Packed, pack_frames, seconds_of, settings_text, unpack_frames
from organology.library.schema import SCORING_VERSION
from organology.model_metadata import ModelMetadata
from organology.recognition.result import Recognition

NAME = "organology.recordings"
VERSION = 1
_KEY = b"organology"  # of the metadata of each file

SEGMENT = pa.struct([("label", pa.string()), ("start", pa.float64()), ("end", pa.float64()), ("score", pa.float32())])
IDENTITY = {
    "path": pa.string(),
    "channel": pa.int16(),
    "channels": pa.int16(),
    "size": pa.int64(),
    "mtime_ns": pa.int64(),
    "etag": pa.string(),
    "recognized_at": pa.timestamp("us", tz="UTC"),
    "failure": pa.string(),
    "transient": pa.bool_(),
    "content": pa.string(),
}
"""Columns of every row: which file it is of, and why it could not be recognized. `content` came later: a file may lack
it."""

FIXED = {**IDENTITY, "duration": pa.float64(), "notes": pa.list_(pa.string()), "instruments": pa.list_(pa.string())}
LISTS = {
    "segments": pa.list_(SEGMENT),
    "window_starts": pa.list_(pa.float64()),
    "window_ends": pa.list_(pa.float64()),
    "window_scores": pa.list_(pa.list_(pa.float32())),
    "frame_logits": pa.binary(),
    "frame_levels": pa.binary(),
}


@dataclass(frozen=True)
class FileKey:
    """What tells a file from another and from what it was before.

    Attributes
    ----------
    path : str
        Absolute, or an address (`s3://…`); a name that is not UTF-8 is a `file://` address.
    size : int
        In bytes; -1 where the storage does not say.
    mtime_ns : int
        When it was last written to, in nanoseconds; 0 where an ETag says which version it is.
    etag : str or None
        Of an object in storage.
    """

    path: str
    size: int
    mtime_ns: int
    etag: str | None = None

    @staticmethod
    def of_state(state: FileState) -> FileKey:
        """The key of a local file."""
        return FileKey(stored_path(state.path), state.size, state.mtime_ns)


@dataclass(frozen=True)
class DatasetRun:
    """What decides the scores of a file, besides the file; a partition of the dataset.

    Attributes
    ----------
    sha256, model : str
        Digest of the model file, and its name.
    metadata : ModelMetadata
    hop_frames : int
        Distance of the windows, at the model's rate.
    settings : str
        The segment settings of the `segments` and `…_seconds` columns, as JSON.
    """

    sha256: str
    model: str
    metadata: ModelMetadata
    hop_frames: int
    settings: str

    @staticmethod
    def now(sha256: str, model: str, metadata: ModelMetadata, hop_seconds: float) -> DatasetRun:
        """The run that starts now, with the segment settings of today."""
        return DatasetRun(
            sha256, model, metadata, round(hop_seconds * metadata.sample_rate), settings_text(metadata.frames)
        )

    @property
    def hop_seconds(self) -> float:
        """Distance of the windows."""
        return self.hop_frames / self.metadata.sample_rate

    @property
    def label_set(self) -> LabelSet:
        """Of the results."""
        return self.metadata.label_set

    @property
    def partition(self) -> str:
        """Name of its folder, without `run=`."""
        return f"{self.sha256[:16]}-{self.hop_frames}-{SCORING_VERSION}"

    @cached_property
    def schema(self) -> pa.Schema:
        """Of its files; its metadata describe the run."""
        columns = Columns(self.label_set)
        fields = [
            *FIXED.items(),
            *((name, pa.float32()) for name in columns.scores),
            *((name, pa.float64()) for name in columns.seconds),
            *LISTS.items(),
        ]
        about = {
            "schema": NAME,
            "version": VERSION,
            "sha256": self.sha256,
            "model": self.model,
            "hop_frames": self.hop_frames,
            "settings": self.settings,
            "metadata": self.metadata.to_json(),
        }
        return pa.schema(fields, {_KEY: json.dumps(about, ensure_ascii=False, allow_nan=False).encode()})

    @staticmethod
    def of(schema: pa.Schema, place: str) -> DatasetRun:
        """The run that the schema of a file describes.

        Raises
        ------
        StoreError
            If it describes none, or one of another version.
        """
        text = (schema.metadata or {}).get(_KEY)
        try:
            about = json.loads(text or "null")
            if about["schema"] != NAME:
                raise KeyError("schema")
            if about["version"] != VERSION:
                raise StoreError(f"{place}: schema version must be {VERSION}, got {about['version']}")
            metadata = ModelMetadata.from_json(about["metadata"], place)
            return DatasetRun(about["sha256"], about["model"], metadata, about["hop_frames"], about["settings"])
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"{place}: Parquet, but not a dataset of organology") from error


def stored_path(path: str) -> str:
    """How a local path stands in the dataset: as it is, or as an address where it is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return Path(path).as_uri()
    return path


def local_path(stored: str) -> str:
    """The inverse of `stored_path`; other addresses stay as they are."""
    return unquote(urlsplit(stored).path, errors="surrogateescape") if stored.startswith("file://") else stored


def rows_of(key: FileKey, recognitions: Sequence[Recognition], *, split: bool = False) -> list[dict[str, Any]]:
    """Rows of a file that was recognized: one, or with `split` one a channel."""
    alone = split and len(recognitions) == 1
    head = _head(key)
    return [
        {
            **head,
            "channel": number if split and not alone else 0,
            "channels": len(recognitions) if split else None,
            **values_of(recognition),
        }
        for number, recognition in enumerate(recognitions, 1)
    ]


def failure_row(key: FileKey, reason: str, *, transient: bool = False) -> dict[str, Any]:
    """The row of a file that could not be recognized.

    Parameters
    ----------
    key : FileKey
    reason : str
    transient : bool
        It could not be opened as things were; the next run tries it again.
    """
    return {**_head(key), "channel": 0, "failure": reason.encode(errors="replace").decode(), "transient": transient}


def _head(key: FileKey) -> dict[str, Any]:
    return {**vars(key), "recognized_at": datetime.now(UTC), "transient": False}


def values_of(recognition: Recognition) -> dict[str, Any]:
    """Columns that a recognition fills."""
    columns = Columns(recognition.label_set)
    segments = [
        {"label": one.label, "start": one.start, "end": one.end, "score": one.score} for one in recognition.segments
    ]
    logits, levels = (None, None) if recognition.frames is None else pack_frames(recognition.frames)
    return {
        "duration": recognition.duration,
        "notes": list(recognition.notes),
        "instruments": recognition.instruments,
        **dict(zip(columns.scores, recognition.file_scores.tolist(), strict=True)),
        **dict(zip(columns.seconds, seconds_of(recognition).tolist(), strict=True)),
        "segments": segments,
        "window_starts": recognition.starts.tolist(),
        "window_ends": recognition.ends.tolist(),
        "window_scores": recognition.scores.tolist(),
        "frame_logits": logits,
        "frame_levels": levels,
    }


def recognition_of(row: Mapping[str, Any], run: DatasetRun, name: str) -> Recognition:
    """The recognition that a row holds, with the model's thresholds.

    Parameters
    ----------
    row : mapping
        Column -> value, of a row without a failure.
    run : DatasetRun
    name : str
        Its `source`.
    """
    labels, settings = run.label_set.labels, run.metadata.frames
    frames = None
    if settings is not None:
        packed = Packed(b"", row["frame_logits"], row["frame_levels"])
        frames = unpack_frames(packed, settings, row["duration"])
    return Recognition(
        source=name,
        duration=row["duration"],
        starts=np.array(row["window_starts"], np.float64),
        ends=np.array(row["window_ends"], np.float64),
        scores=np.array(row["window_scores"], np.float32).reshape(-1, len(labels)),
        file_scores=np.array([row[label] for label in labels], np.float32),
        thresholds=np.array(run.metadata.thresholds, np.float64),
        hop_seconds=run.hop_seconds,
        model=run.model,
        notes=tuple(row["notes"] or ()),
        labels=labels,
        label_set=run.label_set,
        frames=frames,
        presets=run.metadata.presets,
    )

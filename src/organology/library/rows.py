"""Between recognitions and the rows of a store."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet
from organology.library.columns import Columns
from organology.model_metadata import FrameSettings, ModelMetadata
from organology.recognition.frames import CELL_SECONDS, Frames
from organology.recognition.result import Recognition
from organology.recognition.segments import SegmentSettings


@dataclass(frozen=True)
class FileState:
    """What tells a file from another and from what it was before.

    Attributes
    ----------
    path : str
        Absolute, links as they are.
    size : int
        In bytes.
    mtime_ns : int
        When it was last written to, in nanoseconds.
    """

    path: str
    size: int
    mtime_ns: int

    @staticmethod
    def of(path: str | Path) -> FileState | None:
        """The state of a file as it is now; None if there is none."""
        try:
            absolute = Path(path).absolute()
            status = absolute.stat()
        except (OSError, ValueError):
            return None
        return FileState(str(absolute), status.st_size, status.st_mtime_ns)

    def is_current(self) -> bool:
        """Whether the file is still as it was."""
        return FileState.of(self.path) == self


def content_digest(path: str) -> str | None:
    """What tells the content of a file from that of others: 128 bits in hexadecimal; None if it cannot be read."""
    try:
        # Opened so that a FIFO does not wait for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except (OSError, ValueError):
        return None


@dataclass(frozen=True)
class Run:
    """What decides the scores of a file, besides the file.

    Attributes
    ----------
    id : int
        In the store.
    model : str
        Name of the model.
    metadata : ModelMetadata
    hop_frames : int
        Distance of the windows, at the model's rate.
    segmenting : int
        In the store: of the segment settings that new `…_seconds` columns are computed with.
    """

    id: int
    model: str
    metadata: ModelMetadata
    hop_frames: int
    segmenting: int

    @property
    def hop_seconds(self) -> float:
        """Distance of the windows."""
        return self.hop_frames / self.metadata.sample_rate

    @property
    def label_set(self) -> LabelSet:
        """Of the model's outputs."""
        return self.metadata.label_set


def pack(scores: NDArray[np.float32]) -> bytes:
    """Scores as bytes: little-endian 32-bit floating point, window by window.

    Fewer bits would do for the scores, but not for their logits, of which segments are made.
    """
    return scores.astype("<f4").tobytes()


def unpack(packed: bytes, n_labels: int) -> NDArray[np.float32]:
    """Scores of shape (n_windows, n_labels) from bytes made by `pack`."""
    return np.frombuffer(packed, "<f4").astype(np.float32).reshape(-1, n_labels)


class Packed(NamedTuple):
    """What is stored of a recording besides its row.

    Attributes
    ----------
    scores : bytes
        Of `window_scores`.
    logits, levels : bytes, optional
        Of `frame_scores`, where the model gives scores of frames.
    """

    scores: bytes
    logits: bytes | None = None
    levels: bytes | None = None

    @staticmethod
    def selected(run: Run) -> tuple[str, str]:
        """The columns as SQL selects them, and the joins with `recording` that they need."""
        scores = "LEFT JOIN window_scores ON window_scores.recording = recording.id"
        if run.metadata.frames is None:
            return "window_scores.scores, NULL, NULL", scores
        columns = "window_scores.scores, frame_scores.logits, frame_scores.levels"
        return columns, f"{scores} LEFT JOIN frame_scores ON frame_scores.recording = recording.id"


def pack_frames(frames: Frames) -> tuple[bytes, bytes]:
    """Logits and levels as bytes: steps in a byte each, label by label, compressed (zlib)."""
    return zlib.compress(np.ascontiguousarray(frames.logits.T).tobytes()), zlib.compress(frames.levels.tobytes())


def unpack_frames(packed: Packed, settings: FrameSettings, duration: float) -> Frames:
    """Frames from bytes made by `pack_frames`.

    Raises
    ------
    ValueError, TypeError
        If they are damaged.
    """
    if packed.logits is None or packed.levels is None:
        raise ValueError("no scores of frames")
    try:
        logits, levels = (np.frombuffer(zlib.decompress(one), np.uint8) for one in (packed.logits, packed.levels))
    except zlib.error as error:
        raise ValueError(f"scores of frames: {error}") from error
    logits = logits.reshape(len(settings.frame_shifts), -1).T
    for rows, seconds in ((logits, settings.seconds), (levels, CELL_SECONDS)):
        if not len(rows) or abs(len(rows) - duration / seconds) > 2:
            raise ValueError(f"{len(rows)} instants or cells, {seconds} s apart, in {duration} s")
    return Frames(settings, np.ascontiguousarray(logits), levels)


def seconds_of(recognition: Recognition) -> NDArray[np.float64]:
    """How long each label plays: the sum of its segments, in seconds, shape (n_labels,)."""
    seconds = np.zeros(len(recognition.labels))
    for segment in recognition.segments:
        seconds[recognition.labels.index(segment.label)] += segment.end - segment.start
    return seconds


def row_of(recognition: Recognition, columns: Columns) -> dict[str, Any]:
    """Columns of `recording` that a recognition fills."""
    return {
        "failure": None,
        "notes": json.dumps(recognition.notes, ensure_ascii=False, allow_nan=False),
        "duration": recognition.duration,
        "windows": len(recognition.starts),
        "last_start": float(recognition.starts[-1]),
        **dict(zip(columns.scores, recognition.file_scores.tolist(), strict=True)),
        **dict(zip(columns.seconds, seconds_of(recognition).tolist(), strict=True)),
    }


def recognition_of(row: dict[str, Any], packed: Packed, run: Run, name: str) -> Recognition:
    """The recognition that a row holds, with the model's thresholds.

    Parameters
    ----------
    row : dict
        Columns of `recording`.
    packed : Packed
    run : Run
    name : str
        Its `source`.

    Raises
    ------
    ValueError, TypeError
        If the row is damaged.
    """
    rate, window = run.metadata.sample_rate, run.metadata.window_frames
    labels = run.label_set.labels
    scores = unpack(packed.scores, len(labels))
    duration, last_start = float(row["duration"]), float(row["last_start"])
    if not len(scores) or len(scores) != row["windows"] or not np.isfinite([duration, last_start]).all():
        raise ValueError(f"{row['windows']} windows, {len(scores)} of them with scores, in {duration} s")
    longest = ((len(scores) - 1) * run.hop_frames + 2 * window) / rate  # no longer than the windows, but for rounding
    if not (0 <= last_start <= longest and 0 < duration <= longest):
        raise ValueError(f"{len(scores)} windows, the last from {last_start} s on, in {duration} s")
    first = np.arange(len(scores)) * run.hop_frames
    first[-1] = round(last_start * rate)
    if duration > (first[-1] + window) / rate + 1:
        raise ValueError(f"windows of {duration} s that end at {(first[-1] + window) / rate} s")
    # As the recognizer computes them: the end of the file is the source's, not that of the resampled sound.
    ends = np.minimum((first + window) / rate, duration)
    ends[-1] = duration
    file_scores = np.array([row[label] for label in labels], np.float32)
    if not (np.isfinite(file_scores).all() and np.isfinite(scores).all()):
        raise ValueError("scores that are not finite")
    settings = run.metadata.frames
    return Recognition(
        source=name,
        duration=duration,
        starts=first / rate,
        ends=ends,
        scores=scores,
        file_scores=file_scores,
        thresholds=np.array(run.metadata.thresholds, np.float64),
        hop_seconds=run.hop_seconds,
        model=run.model,
        notes=tuple(map(str, json.loads(row["notes"]))),
        labels=labels,
        label_set=run.label_set,
        frames=None if settings is None else unpack_frames(packed, settings, duration),
        presets=run.metadata.presets,
    )


def settings_text(frames: FrameSettings | None = None) -> str:
    """The segment settings that a model's `…_seconds` columns are computed with, as JSON."""
    return json.dumps(SegmentSettings().resolved(frames).given(), sort_keys=True, allow_nan=False)


def channel_name(name: str, channel: int) -> str:
    """How a channel of a file is named in results.

    >>> channel_name("a.wav", 0), channel_name("a.wav", 2)
    ('a.wav', 'a.wav#ch2')
    """
    return f"{name}#ch{channel}" if channel else name

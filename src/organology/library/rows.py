"""Between recognitions and the rows of a store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.model_metadata import ModelMetadata
from organology.recognition.result import Recognition
from organology.recognition.segments import SegmentSettings
from organology.taxonomy import LABELS

SCORE_COLUMNS = LABELS
SECONDS_COLUMNS = tuple(f"{label}_seconds" for label in LABELS)
RECORDING_COLUMNS = (
    "run",
    "segmenting",
    "path",
    "channel",
    "channels",
    "size",
    "mtime_ns",
    "recognized_at",
    "failure",
    "notes",
    "duration",
    "windows",
    "last_start",
    *SCORE_COLUMNS,
    *SECONDS_COLUMNS,
)


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
        Labels in the order of `taxonomy.LABELS`.
    hop_frames : int
        Distance of the windows, at the model's rate.
    segmenting : int
        In the store: of the segment settings that new `…_seconds` columns are reckoned with.
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


def pack(scores: NDArray[np.float32]) -> bytes:
    """Scores as bytes: little-endian 32-bit floating point, window by window.

    Fewer bits would do for the scores, but not for their logits, of which segments are made.
    """
    return scores.astype("<f4").tobytes()


def unpack(packed: bytes) -> NDArray[np.float32]:
    """Scores of shape (n_windows, 15) from bytes made by `pack`."""
    return np.frombuffer(packed, "<f4").astype(np.float32).reshape(-1, len(LABELS))


def seconds_of(recognition: Recognition) -> NDArray[np.float64]:
    """How long each label plays: the sum of its segments, in seconds, shape (15,)."""
    seconds = np.zeros(len(LABELS))
    for segment in recognition.segments:
        seconds[LABELS.index(segment.label)] += segment.end - segment.start
    return seconds


def row_of(recognition: Recognition) -> dict[str, Any]:
    """Columns of `recording` that a recognition fills."""
    return {
        "failure": None,
        "notes": json.dumps(recognition.notes, ensure_ascii=False),
        "duration": recognition.duration,
        "windows": len(recognition.starts),
        "last_start": float(recognition.starts[-1]),
        **dict(zip(SCORE_COLUMNS, recognition.file_scores.tolist(), strict=True)),
        **dict(zip(SECONDS_COLUMNS, seconds_of(recognition).tolist(), strict=True)),
    }


def recognition_of(row: dict[str, Any], packed: bytes, run: Run, name: str) -> Recognition:
    """The recognition that a row holds, with the model's thresholds.

    Parameters
    ----------
    row : dict
        Columns of `recording`.
    packed : bytes
        Of `window_scores`.
    run : Run
    name : str
        Its `source`.
    """
    rate, window = run.metadata.sample_rate, run.metadata.window_frames
    first = np.arange(row["windows"]) * run.hop_frames
    first[-1] = round(row["last_start"] * rate)
    # As the recognizer reckons: the end of the file is the source's, not that of the resampled sound.
    ends = np.minimum((first + window) / rate, row["duration"])
    ends[-1] = row["duration"]
    return Recognition(
        source=name,
        duration=row["duration"],
        starts=first / rate,
        ends=ends,
        scores=unpack(packed),
        file_scores=np.array([row[label] for label in SCORE_COLUMNS], np.float32),
        thresholds=np.array(run.metadata.thresholds, np.float64),
        hop_seconds=run.hop_seconds,
        model=run.model,
        notes=tuple(json.loads(row["notes"])),
    )


def settings_text() -> str:
    """The segment settings that `…_seconds` columns are reckoned with, as JSON."""
    return json.dumps(asdict(SegmentSettings()), sort_keys=True)


def channel_name(name: str, channel: int) -> str:
    """How a channel of a file is named in results.

    >>> channel_name("a.wav", 0), channel_name("a.wav", 2)
    ('a.wav', 'a.wav#ch2')
    """
    return f"{name}#ch{channel}" if channel else name


def columns(names: Sequence[str]) -> str:
    """Names as SQL wants them."""
    return ", ".join(names)

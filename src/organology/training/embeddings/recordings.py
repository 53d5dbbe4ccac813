"""Embeddings of recordings: what a model's backbone makes of each window, before the head."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from organology.atomic import written_whole
from organology.audio import mono_blocks
from organology.recognition.windows import windows

AT_ONCE = 16
"""Windows of one inference."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EmbeddedRecording:
    """A recording's windows.

    Attributes
    ----------
    starts, ends : float64 array, shape (n_windows,)
        In seconds.
    embeddings : float32 array, shape (n_windows, size)
    """

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    embeddings: Floats


def embed_recording(
    source: str | Path | BinaryIO,
    embed: Callable[[Floats], Floats],
    sample_rate: int,
    window_seconds: float,
    hop_seconds: float,
) -> EmbeddedRecording:
    """Embed the windows of a recording.

    Parameters
    ----------
    source : path or binary file object
    embed : callable
        float32 (batch, window_frames) -> float32 (batch, size).
    sample_rate : int
        In Hz.
    window_seconds, hop_seconds : float

    Raises
    ------
    AudioError
        If it cannot be read.
    """
    cut = windows(
        mono_blocks(source, sample_rate), round(window_seconds * sample_rate), max(1, round(hop_seconds * sample_rate))
    )
    places: list[tuple[int, int]] = []

    def batches() -> Iterator[Floats]:
        while batch := list(islice(cut, AT_ONCE)):
            places.extend((window.start, window.end) for window in batch)
            yield embed(np.stack([window.samples for window in batch]))

    embeddings = np.concatenate(list(batches()))
    starts, ends = (np.array([place[i] for place in places]) / sample_rate for i in (0, 1))
    return EmbeddedRecording(starts, ends, embeddings)


def write_embeddings(path: Path, named: list[tuple[str, EmbeddedRecording]], about: dict[str, Any]) -> None:
    """Write the windows of recordings: `.parquet`, a row a window, else NumPy's `.npz`.

    Parameters
    ----------
    path : path
        Its parquet table has the columns `file`, `start`, `end` (in seconds) and `embedding` (a list of float32); its
        arrays in `.npz` are `files`, `starts`, `ends` and `embeddings`.
    named : list of (str, EmbeddedRecording)
    about : dict
        Of the model; `.npz` has its values as further arrays.
    """
    files = np.repeat([name for name, _ in named], [len(each.starts) for _, each in named])
    starts, ends, embeddings = (
        np.concatenate([getattr(each, part) for _, each in named]) for part in ("starts", "ends", "embeddings")
    )
    with written_whole(path) as temporary:
        if path.suffix.casefold() == ".parquet":
            import polars as pl

            columns = {"file": files, "start": starts, "end": ends, "embedding": embeddings}
            table = pl.DataFrame(columns, schema_overrides={"embedding": pl.Array(pl.Float32, embeddings.shape[1])})
            table.write_parquet(temporary)
        else:
            arrays: dict[str, Any] = {name: np.array(value) for name, value in about.items()}
            with temporary.open("wb") as file:
                np.savez(file, files=files, starts=starts, ends=ends, embeddings=embeddings, **arrays)

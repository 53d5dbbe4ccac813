"""Scores of recordings: one row a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.audio import mono_blocks
from organology.counted import counted
from organology.errors import AudioError, ConfigError
from organology.evaluation.recordings.labelled import LabelledRecordings
from organology.labels import LabelSet
from organology.ordered_map import ordered_map
from organology.recognition.inference import score_windows
from organology.recognition.pooling import pool
from organology.recognition.windows import ModelScores, windows

FileScores = Callable[[Path], NDArray[Any]]
"""Scores of a file, shape (n_labels,); raises AudioError if it cannot be read."""


@dataclass(frozen=True)
class ScoredRecordings:
    """Recordings that could be read, and their scores.

    Attributes
    ----------
    recordings : LabelledRecordings
        Without those that could not be read.
    scores : float64 array, shape (n_files, n_labels)
    errors : tuple of AudioError
        One for each file that could not be read.
    """

    recordings: LabelledRecordings
    scores: NDArray[np.float64]
    errors: tuple[AudioError, ...]


def of_windows(
    model: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    label_set: LabelSet,
    sample_rate: int,
    window_seconds: float,
    hop_seconds: float,
    pooling: str,
) -> FileScores:
    """Scores of files from those of windows, as `organology recognize` makes them.

    Parameters
    ----------
    model : callable
        float32 (batch, window_frames) -> float32 (batch, n_labels).
    label_set : LabelSet
    sample_rate : int
        In Hz.
    window_seconds, hop_seconds : float
    pooling : str
        One of `recognition.pooling.POOLINGS`.
    """
    window, hop = round(window_seconds * sample_rate), max(1, round(hop_seconds * sample_rate))

    def scores(path: Path) -> NDArray[np.float64]:
        scored = score_windows(
            windows(mono_blocks(path, sample_rate), window, hop), lambda batch: ModelScores(model(batch)), label_set
        )
        sounds = scored.sounds
        starts, ends = scored.starts[sounds] / sample_rate, scored.ends[sounds] / sample_rate
        pooled = pool(scored.scores[sounds], pooling, starts, ends)
        return np.asarray(label_set.raise_parents(pooled), dtype=np.float64)

    return scores


def score_recordings(
    recordings: LabelledRecordings,
    scores: FileScores,
    workers: int = 1,
    watch: Callable[[Iterable[Path]], Iterable[Path]] = iter,
) -> ScoredRecordings:
    """Score all recordings; one that cannot be read is left out.

    Parameters
    ----------
    recordings : LabelledRecordings
    scores : callable
        See `FileScores`.
    workers : int
        Threads, each with a file of its own.
    watch : callable
        The files as they are asked for, under a progress bar if you like.

    Raises
    ------
    ConfigError
        If none can be read.
    """

    def one(path: Path) -> NDArray[Any] | AudioError:
        try:
            return scores(path)
        except AudioError as error:
            return error

    results: Iterator[tuple[Path, NDArray[Any] | AudioError]]
    results = ordered_map(one, watch(recordings.files), workers if workers > 1 else 0)
    found = [result for _, result in results]
    errors = tuple(result for result in found if isinstance(result, AudioError))
    kept = [i for i, result in enumerate(found) if not isinstance(result, AudioError)]
    if not kept:
        asked = counted(len(found), "recording")
        raise ConfigError(f"none of {asked} can be read: {errors[0] if errors else 'there are none'}")
    return ScoredRecordings(
        replace(
            recordings,
            files=tuple(recordings.files[i] for i in kept),
            names=tuple(recordings.names[i] for i in kept),
            targets=recordings.targets[kept],
            groups=recordings.groups[kept],
        ),
        np.stack([result for result in found if not isinstance(result, AudioError)]),
        errors,
    )

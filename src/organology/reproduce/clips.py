"""Real recordings with labels, of the form of `evaluation.recordings.table`: cut into windows, scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from organology.audio import mono_blocks
from organology.evaluation.recordings.table import read_csv
from organology.labels import default_set
from organology.recognition.windows import windows
from organology.reproduce.runs import content_hash
from organology.training.scoring import Scored, Scorer

FEWEST_PRESENT = 10
"""A label counts in the means over real recordings if at least this many clips have it."""

_AT_ONCE = 16


@dataclass(frozen=True)
class Clips:
    """Labelled recordings.

    Attributes
    ----------
    name : str
        Of the set, with a hash of its table.
    files : tuple of path
    targets : int8 array, shape (n, 15)
    groups : str array, shape (n,)
    """

    name: str
    files: tuple[Path, ...]
    targets: NDArray[np.int8]
    groups: NDArray[np.str_]


def read_clips(table: Path, folder: Path) -> Clips:
    """Read a table of labelled recordings.

    Raises
    ------
    ConfigError
        If the table cannot be read, lacks a column, has another value than 1, 0 or nothing, or a file is missing.
    """
    read = read_csv(table, folder, default_set())
    return Clips(f"clips-{content_hash(table)[:8]}", read.files, read.targets, read.groups)


def score_clips(scorer: Scorer, clips: Clips, hop_seconds: float, console: Console | None = None) -> Scored:
    """Scores of recordings: the mean over their windows; a short one is repeated until it fills a window.

    Raises
    ------
    AudioError
        If a recording cannot be read.
    """
    window = round((scorer.window_seconds or 4.0) * scorer.sample_rate)
    hop = max(1, round(hop_seconds * scorer.sample_rate))
    scores = []
    for path in track(clips.files, f"scoring {len(clips.files)} recordings", console=console or Console(stderr=True)):
        samples = np.stack([cut.samples for cut in windows(mono_blocks(path, scorer.sample_rate), window, hop)])
        parts = [scorer.score(torch.from_numpy(samples[i : i + _AT_ONCE])) for i in range(0, len(samples), _AT_ONCE)]
        scores.append(np.concatenate(parts).mean(axis=0))
    return Scored(clips.targets, np.stack(scores).astype(np.float32), clips.groups)

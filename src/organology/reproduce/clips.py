"""Real recordings with labels: read, cut into windows, scored.

The table has a row a clip: `file`, a column a label (1, 0, or empty where it is not known; names with spaces or
underscores) and, if there is one, `group`: clips of one recording, which the bootstrap draws together.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from organology.audio import mono_blocks
from organology.errors import ConfigError
from organology.labels import UNKNOWN
from organology.labels.bradl15 import LABELS
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
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{table}: {getattr(error, 'strerror', None) or error}") from error
    if not rows or "file" not in rows[0]:
        raise ConfigError(f"{table}: no rows, or no column `file`")
    if not any(label in rows[0] or label.replace("_", " ") in rows[0] for label in LABELS):
        raise ConfigError(f"{table}: no column is a label; they are {', '.join(LABELS)}")
    files = tuple(folder / row["file"] for row in rows)
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise ConfigError(f"{missing[0]}: no such file ({len(missing)} of {len(files)} recordings of {table} missing)")
    targets = np.array([[_target(row, label, table) for label in LABELS] for row in rows], dtype=np.int8)
    groups = np.array([row.get("group") or row["file"] for row in rows])
    return Clips(f"clips-{content_hash(table)[:8]}", files, targets, groups)


def _target(row: dict[str, str], label: str, table: Path) -> int:
    cell = (row.get(label, row.get(label.replace("_", " "))) or "").strip()
    if cell not in ("", "0", "1", "0.0", "1.0", "-1"):
        raise ConfigError(f"{table}: {row['file']}: {label} is {cell!r}, not 1, 0 or empty")
    return UNKNOWN if cell == "" else int(float(cell))


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

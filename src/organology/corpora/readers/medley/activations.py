"""`<Song>_ACTIVATION_CONF.lab`: how sure it is, from moment to moment, that each stem of a song sounds.

A table with commas: `time,S01,S02,…`, a row each 2048 samples at 44.1 kHz (46 ms), each about the moment that it names,
with a confidence from 0 to 1 for every stem. Bittner et al. (2014) compute it from the stem's share in the energy of
the song by a logistic function; 0.5, its middle, is where a stem counts as sounding.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from organology.corpora.conversion.activity import ActivityConfig, close_gaps, runs_of
from organology.errors import CorpusError

THRESHOLD = 0.5

Seconds = tuple[tuple[float, float], ...]


def read_activations(path: Path) -> dict[str, Seconds]:
    """Where the stems of a song sound.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to tuple of (start, end)
        Stem (`S01`) -> intervals in seconds, sorted and apart. Rests as short as those that `ActivityMeter` closes are
        closed. Stems that never reach the threshold (claps, a triangle) are not in it.

    Raises
    ------
    CorpusError
        If the file is not such a table.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
            delimiter = max(",;\t", key=header.count)
            rows = file.readlines()
        names = [name.strip() for name in header.split(delimiter)]
        table = np.loadtxt(rows, delimiter=delimiter, ndmin=2, dtype=np.float64) if rows else np.zeros((0, 0))
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path}: {' '.join(str(error).split())}") from error
    if names[0].casefold() != "time" or table.shape[1:] != (len(names),) or len(table) < 2:
        raise CorpusError(f"{path}: not a table of time, S01, S02 …")
    if not np.isfinite(table).all() or (np.diff(table[:, 0]) <= 0).any():
        raise CorpusError(f"{path}: times that do not increase, or values that are not numbers")
    hop = float(table[-1, 0] - table[0, 0]) / (len(table) - 1)
    gap = round(ActivityConfig().gap_seconds / hop)
    intervals = {}
    for name, confidence in zip(names[1:], table.T[1:], strict=True):
        runs = runs_of(confidence >= THRESHOLD)
        if runs:
            starts = float(table[0, 0]) - hop / 2
            intervals[name.upper()] = tuple(
                (max(0.0, starts + start * hop), starts + end * hop) for start, end in close_gaps(runs, gap)
            )
    return intervals

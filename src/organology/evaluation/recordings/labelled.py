"""What every form of labels comes to: files, targets and groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from organology.errors import ConfigError
from organology.evaluation.arrays import Targets
from organology.labels import ABSENT, PRESENT, UNKNOWN, LabelSet


@dataclass(frozen=True)
class LabelledRecordings:
    """Recordings and what is known of them.

    Attributes
    ----------
    files : tuple of path
    names : tuple of str
        Of the files, as their table has them.
    targets : int8 array, shape (n_files, n_labels)
        1 present, 0 absent, -1 unknown.
    groups : str array, shape (n_files,)
        Recordings of one group are drawn together by the bootstrap.
    label_set : LabelSet
        Of the columns of `targets`.
    """

    files: tuple[Path, ...]
    names: tuple[str, ...]
    targets: Targets
    groups: NDArray[np.str_]
    label_set: LabelSet


def check_files(files: Iterable[Path], table: Path) -> tuple[Path, ...]:
    """The files, if all of them are there.

    Raises
    ------
    ConfigError
        If one is missing; it names the first.
    """
    files = tuple(files)
    missing = [path for path in files if not path.is_file()]
    if missing:
        raise ConfigError(f"{missing[0]}: no such file ({len(missing)} of {len(files)} recordings of {table} missing)")
    return files


def through(label_set: LabelSet, source: LabelSet, targets: Targets) -> Targets:
    """Targets of one label set, read from those of another.

    A label is present where one of the source's labels within it is, absent where all of them are, and else unknown.
    One that the source cannot tell is unknown throughout.

    Parameters
    ----------
    label_set, source : LabelSet
    targets : int8 array, shape (n, len(source))

    Returns
    -------
    int8 array, shape (n, len(label_set))
    """
    if label_set == source:
        return targets
    view = label_set.view_of(source)
    read = np.full((len(targets), len(label_set)), UNKNOWN, np.int8)
    for label, columns in zip(view.labels, view.columns, strict=True):
        within = targets[:, columns]
        absent = np.where((within == ABSENT).all(axis=1), ABSENT, UNKNOWN)
        read[:, label_set.index(label)] = np.where((within == PRESENT).any(axis=1), PRESENT, absent)
    return read

"""OpenMIC-2018 as it is published: `openmic-2018-aggregated-labels.csv` and its folder `audio`.

Humphrey, Durand and McFee, "OpenMIC-2018: An open data-set for multiple instrument recognition", ISMIR 2018. A row says
of one clip and one of 20 instruments how sure the annotators are that it sounds. As in the authors' baseline it is
present from 0.5 on, absent below, and unknown where there is no row.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from organology.errors import ConfigError
from organology.evaluation.recordings.labelled import LabelledRecordings, check_files, through
from organology.evaluation.recordings.table import read_rows
from organology.labels import UNKNOWN, LabelSet

COLUMNS = ("sample_key", "instrument", "relevance")
PRESENT_FROM = 0.5
LABEL_SET = "openmic20"


def read_openmic(table: Path, folder: Path, label_set: LabelSet) -> LabelledRecordings:
    """Read the published table; the files are `FOLDER/000/000046_3840.ogg` and so on.

    Raises
    ------
    ConfigError
        If the table cannot be read, names another instrument, or a file is missing.
    """
    rows, source = read_rows(table), LabelSet.load(LABEL_SET)
    keys = sorted({row["sample_key"] for row in rows})
    place = {key: i for i, key in enumerate(keys)}
    targets = np.full((len(keys), len(source)), UNKNOWN, np.int8)
    for row in rows:
        try:
            column = source.index(row["instrument"])
            targets[place[row["sample_key"]], column] = float(row["relevance"]) >= PRESENT_FROM
        except ValueError as error:
            raise ConfigError(f"{table}: {row['sample_key']}: {error}") from error
    files = check_files([folder / key[:3] / f"{key}.ogg" for key in keys], table)
    groups = np.array([key.partition("_")[0] for key in keys])
    return LabelledRecordings(files, tuple(keys), through(label_set, source, targets), groups, label_set)

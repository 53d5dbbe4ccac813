"""The forms in which labels of recordings come. A new one is a file and a line here."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from organology.errors import ConfigError
from organology.evaluation.recordings import irmas, openmic, table
from organology.evaluation.recordings.labelled import LabelledRecordings
from organology.labels import LabelSet

Read = Callable[[Path, Path, LabelSet], LabelledRecordings]


@dataclass(frozen=True)
class Form:
    """A form of labels.

    Attributes
    ----------
    name : str
    about : str
        One line for lists.
    fits : callable
        Whether labels, a file or a folder, are of this form.
    read : callable
        Labels, folder of the audio, label set -> recordings.
    """

    name: str
    about: str
    fits: Callable[[Path], bool]
    read: Read


def _header(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


FORMS = (
    Form("irmas", "a folder of IRMAS's test data: .txt files beside .wav files", Path.is_dir, irmas.read_irmas),
    Form(
        "openmic",
        "openmic-2018-aggregated-labels.csv and its folder audio",
        lambda path: set(openmic.COLUMNS) <= set(_header(path)),
        openmic.read_openmic,
    ),
    Form("csv", "a table: file, a column a label (1, 0, empty), group", lambda path: True, table.read_csv),
)
"""In the order in which they are tried."""


def read_recordings(labels: Path, folder: Path | None, label_set: LabelSet) -> LabelledRecordings:
    """Read labelled recordings of any form.

    Parameters
    ----------
    labels : path
        A table, or a folder of the form "irmas".
    folder : path or None
        Of the audio; None: the folder of the table.
    label_set : LabelSet
        Of the targets.

    Raises
    ------
    ConfigError
        If the labels cannot be read, or a recording is missing.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder")
    form = next(form for form in FORMS if form.fits(labels))
    return form.read(labels, folder or (labels if labels.is_dir() else labels.parent), label_set)

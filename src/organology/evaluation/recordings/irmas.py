"""The test data of IRMAS as published: folders of `NAME.wav`, each with the codes of its instruments in `NAME.txt`.

Bosch, Janer, Fuhrmann and Herrera, "A comparison of sound segregation techniques for predominant instrument
recognition in musical audio signals", ISMIR 2012. The labels are the predominant ones of 11 instruments; one that is
not named counts as absent, as in the literature. Excerpts of one recording, `TITLE-1.wav` and `TITLE-2.wav`, are a
group.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from organology.errors import ConfigError
from organology.evaluation.recordings.labelled import LabelledRecordings, check_files, through
from organology.labels import PRESENT, LabelSet, Vocabulary

LABEL_SET, VOCABULARY = "irmas11", "irmas"


def read_irmas(place: Path, folder: Path, label_set: LabelSet) -> LabelledRecordings:
    """Read a folder of the test data, or all of them; `folder` holds the audio (the same one).

    Raises
    ------
    ConfigError
        If there is no text file, one names another instrument, or its audio is missing.
    """
    texts = sorted(place.rglob("*.txt"))
    texts = [text for text in texts if not text.name.casefold().startswith("readme")]
    if not texts:
        raise ConfigError(f"{place}: no text files with labels, as IRMAS's test data have them")
    source, words = LabelSet.load(LABEL_SET), Vocabulary.load(VOCABULARY)
    targets = np.zeros((len(texts), len(source)), np.int8)
    for row, text in zip(targets, texts, strict=True):
        for code in text.read_text("utf-8", errors="replace").split():
            if code not in words.entries:
                raise ConfigError(f"{text}: {code!r} is no instrument of IRMAS: {', '.join(words.entries)}")
            row[words.entries[code].encode(source) == PRESENT] = 1
    audio = [folder / text.relative_to(place).with_suffix(".wav") for text in texts]
    names = tuple(path.relative_to(folder).as_posix() for path in audio)
    groups = np.array([re.sub(r"-\d+$", "", text.stem) for text in texts])
    return LabelledRecordings(check_files(audio, place), names, through(label_set, source, targets), groups, label_set)

"""Labelled recordings: tables of several forms, and the scores of a model on them. `registered` lists the forms."""

from organology.evaluation.recordings.labelled import LabelledRecordings
from organology.evaluation.recordings.registered import FORMS, read_recordings
from organology.evaluation.recordings.scoring import FileScores, ScoredRecordings, of_windows, score_recordings

__all__ = [
    "FORMS",
    "FileScores",
    "LabelledRecordings",
    "ScoredRecordings",
    "of_windows",
    "read_recordings",
    "score_recordings",
]

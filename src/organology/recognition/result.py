"""What recognition gives: scores, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from organology.recognition.segments import Activity, Segment, SegmentSettings, activity, segments
from organology.taxonomy import DISPLAY_NAMES, FAMILY_OF, LABELS, raise_families

_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class Recognition:
    """Which instruments play in a recording, and when.

    Attributes
    ----------
    source : str
        The file, as it was given.
    duration : float
        In seconds.
    starts, ends : float array, shape (n_windows,)
        Of the windows, in seconds; the last end is `duration`.
    scores : float32 array, shape (n_windows, 15)
        0 ... 1; no family is below its instruments. A silent window has zeros.
    file_scores : float32 array, shape (15,)
        Of the whole file: the windows that sound, pooled as the model's metadata say.
    thresholds : float array, shape (15,)
    hop_seconds : float
        Distance of the windows.
    model : str
        Name of the model.
    notes : tuple of str
        What a reader of the result should know: silent, cut, unusable samples.
    labels : tuple of str
        Of the columns: `taxonomy.LABELS`.
    segment_settings : SegmentSettings
    """

    source: str
    duration: float
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    scores: NDArray[np.float32]
    file_scores: NDArray[np.float32]
    thresholds: NDArray[np.float64]
    hop_seconds: float
    model: str = ""
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] = LABELS
    segment_settings: SegmentSettings = field(default_factory=SegmentSettings)

    def __repr__(self) -> str:
        return f"<Recognition {self.source} ({self.duration:.1f} s): {', '.join(self.instruments) or 'nothing'}>"

    @property
    def plays(self) -> NDArray[np.bool_]:
        """Whether each label plays in the file: its score reaches its threshold, or one of its instruments plays.

        Shape (15,).
        """
        return raise_families(self.file_scores >= self.thresholds)

    @property
    def instruments(self) -> list[str]:
        """Labels that play in the file, families and instruments, in the order of `labels`."""
        return [label for label, plays in zip(self.labels, self.plays, strict=True) if plays]

    @cached_property
    def activity(self) -> Activity:
        """Scores over time on a grid as fine as the hop: the mean of the windows that cover an instant."""
        return activity(self.starts, self.ends, self.scores, self.hop_seconds)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Who plays when, in the order of `labels`, then of time.

        They are found in the activity over time, so a label can have segments though the whole file's score does not
        reach its threshold: it plays for a short while.
        """
        return segments(self.activity, self.thresholds, self.segment_settings)

    def segments_of(self, label: str) -> tuple[Segment, ...]:
        """The segments of one label."""
        return tuple(segment for segment in self.segments if segment.label == label)

    def score(self, label: str) -> float:
        """The file's score of one label."""
        return float(self.file_scores[self.labels.index(label)])

    def to_dict(self, timeline: bool = False) -> dict[str, Any]:
        """As plain values, the form of one recording in the JSON that `organology recognize` writes.

        Parameters
        ----------
        timeline : bool
            Also the scores of every window.
        """
        plays = self.plays
        plain: dict[str, Any] = {
            "file": self.source,
            "duration": round(self.duration, _DECIMALS),
            "instruments": self.instruments,
            "labels": [
                {
                    "label": label,
                    "name": DISPLAY_NAMES[label],
                    "family": FAMILY_OF.get(label),
                    "score": round(float(self.file_scores[i]), _DECIMALS),
                    "threshold": round(float(self.thresholds[i]), _DECIMALS),
                    "plays": bool(plays[i]),
                    "segments": [
                        {
                            "start": round(segment.start, _DECIMALS),
                            "end": round(segment.end, _DECIMALS),
                            "score": round(segment.score, _DECIMALS),
                        }
                        for segment in self.segments_of(label)
                    ],
                }
                for i, label in enumerate(self.labels)
            ],
            "notes": list(self.notes),
        }
        if timeline:
            plain["windows"] = [
                {"start": round(float(start), _DECIMALS), "end": round(float(end), _DECIMALS), "scores": scores}
                for start, end, scores in zip(
                    self.starts, self.ends, np.round(self.scores.astype(float), _DECIMALS).tolist(), strict=True
                )
            ]
        return plain

"""The data of a recognition: scores, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from organology.recognition.segments import (
    Activity,
    Segment,
    SegmentSettings,
    activity,
    activity_of_segments,
    segments,
)
from organology.recognition.thresholds import Thresholds, levels_of
from organology.taxonomy import LABELS, raise_families


@dataclass(frozen=True, eq=False)
class RecognitionData:
    """Which instruments play in a recording, and when, without the forms for other programs.

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
        Of the columns: `taxonomy.LABELS`, or those of them that `only` has left.
    segment_settings : SegmentSettings
    known_plays : bool array, shape (n_labels,), optional
    known_segments : tuple of Segment, optional
        What was found before, where it cannot be found from these scores: they were read without windows, or labels
        are left out.
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
    known_plays: NDArray[np.bool_] | None = None
    known_segments: tuple[Segment, ...] | None = None

    def __repr__(self) -> str:
        return f"<Recognition {self.source} ({self.duration:.1f} s): {', '.join(self.instruments) or 'nothing'}>"

    @cached_property
    def plays(self) -> NDArray[np.bool_]:
        """Whether each label plays in the file: its score reaches its threshold, or one of its instruments plays.

        Shape (n_labels,).
        """
        if self.known_plays is not None:
            return self.known_plays
        return raise_families(self.file_scores >= self.thresholds)

    @property
    def instruments(self) -> list[str]:
        """Labels that play in the file, families and instruments, in the order of `labels`."""
        return [label for label, plays in zip(self.labels, self.plays, strict=True) if plays]

    @cached_property
    def activity(self) -> Activity:
        """Scores over time on a grid as fine as the hop: the mean of the logits of the windows that cover an instant.

        Given as a score again; where one of these windows is silent, 0.
        Of a recognition without windows: the scores of the segments, 0 elsewhere.
        """
        if not len(self.starts):
            return activity_of_segments(self.known_segments or (), self.duration, self.labels)
        return activity(self.starts, self.ends, self.scores, self.hop_seconds)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Who plays when, in the order of `labels`, then of time.

        They are found in the activity over time, so a label can have segments though the whole file's score does not
        reach its threshold: it plays for a short while.
        """
        if self.known_segments is not None:
            return self.known_segments
        return segments(self.activity, self.thresholds, self.segment_settings)

    def segments_of(self, label: str) -> tuple[Segment, ...]:
        """The segments of one label."""
        return tuple(segment for segment in self.segments if segment.label == label)

    def score(self, label: str) -> float:
        """The file's score of one label."""
        return float(self.file_scores[self.labels.index(label)])

    def only(self, labels: Iterable[str]) -> Self:
        """The same with some of the labels, in the order of `labels`; what plays stays what it was.

        Raises
        ------
        ValueError
            If there is no label, or one that this recognition does not hold.
        """
        wanted = set(labels)
        unknown = sorted(wanted - set(self.labels))
        if unknown or not wanted:
            raise ValueError(f"{unknown[0]!r} is not a label here" if unknown else "no label is left")
        kept = [i for i, label in enumerate(self.labels) if label in wanted]
        part = replace(
            self,
            labels=tuple(self.labels[i] for i in kept),
            scores=self.scores[:, kept],
            file_scores=self.file_scores[kept],
            thresholds=self.thresholds[kept],
            known_plays=self.plays[kept],
            known_segments=tuple(segment for segment in self.segments if segment.label in wanted),
        )
        # Which windows are silent follows from all labels.
        vars(part)["activity"] = Activity(self.activity.edges, self.activity.scores[:, kept])
        return part

    def refined(self, thresholds: Thresholds | None = None, settings: SegmentSettings | None = None) -> Self:
        """What follows from the same scores with other thresholds or segment settings.

        Parameters
        ----------
        thresholds : float, mapping or sequence, optional
            One for all labels, some by label, or all 15; the others stay.
        settings : SegmentSettings, optional

        Raises
        ------
        ValueError
            If windows or labels are missing (read from JSON without windows, or after `only`), or a threshold is none.
        """
        if not len(self.starts) or self.labels != LABELS:
            raise ValueError(f"{self.source}: only a recognition with its windows and all labels can be refined")
        levels = levels_of(self.thresholds.tolist(), thresholds)
        settings = settings or self.segment_settings
        if settings == self.segment_settings and np.array_equal(levels, self.thresholds):
            return self
        return replace(self, thresholds=levels, segment_settings=settings, known_plays=None, known_segments=None)

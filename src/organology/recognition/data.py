"""The data of a recognition: scores, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet, default_set
from organology.recognition.frames import Frames, frame_activity, frame_segments
from organology.recognition.segments import (
    Activity,
    Segment,
    SegmentSettings,
    activity,
    activity_of_segments,
    segments,
)
from organology.recognition.thresholds import Thresholds, resolve_thresholds

_NEAR = 0.5
"""Share of its threshold that a label's score reaches where what plays for a while is worth telling."""


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
    scores : float32 array, shape (n_windows, n_labels)
        0 ... 1; no label is below those that belong to it. A silent window has zeros.
    file_scores : float32 array, shape (n_labels,)
        Of the whole file: the windows that sound, pooled as the model's metadata say.
    thresholds : float array, shape (n_labels,)
    hop_seconds : float
        Distance of the windows.
    model : str
        Name of the model.
    notes : tuple of str
        What a reader of the result should know: silent, cut, unusable samples.
    labels : tuple of str
        Of the columns: all of `label_set`, which is the default, or those that `only` has left.
    segment_settings : SegmentSettings
        What they leave open is filled in: as the model's frames say, or with the defaults.
    known_plays : bool array, shape (n_labels,), optional
    known_segments : tuple of Segment, optional
        What was found before, where it cannot be found from these scores: they were read without windows, or labels
        are left out.
    label_set : LabelSet
        What the labels mean, their parents, names for people and colors.
    frames : Frames, optional
        Scores over time as fine as the model gives them; None: it gives those of windows alone.
    presets : mapping of str to tuple of float
        The model's, of all labels of `label_set`.
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
    labels: tuple[str, ...] = ()
    segment_settings: SegmentSettings = field(default_factory=SegmentSettings)
    known_plays: NDArray[np.bool_] | None = None
    known_segments: tuple[Segment, ...] | None = None
    label_set: LabelSet = field(default_factory=default_set)
    frames: Frames | None = None
    presets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.labels:
            object.__setattr__(self, "labels", self.label_set.labels)
        object.__setattr__(self, "segment_settings", self._resolved(self.segment_settings))

    def _resolved(self, settings: SegmentSettings) -> SegmentSettings:
        return settings.resolved(None if self.frames is None else self.frames.settings)

    def __repr__(self) -> str:
        return f"<Recognition {self.source} ({self.duration:.1f} s): {', '.join(self.instruments) or 'nothing'}>"

    @cached_property
    def plays(self) -> NDArray[np.bool_]:
        """Whether each label plays in the file: its score reaches its threshold, or one of its instruments plays.

        Shape (n_labels,).
        """
        if self.known_plays is not None:
            return self.known_plays
        return self._shown_set.raise_parents(self.file_scores >= self.thresholds)

    @cached_property
    def _shown_set(self) -> LabelSet:
        """The set of `labels`."""
        return self.label_set if self.labels == self.label_set.labels else self.label_set.subset(self.labels)

    @property
    def instruments(self) -> list[str]:
        """Labels that play in the file, families and instruments, in the order of `labels`."""
        return [label for label, plays in zip(self.labels, self.plays, strict=True) if plays]

    @property
    def brief(self) -> list[str]:
        """Labels that play for a while, not in the file as a whole, in the order of `labels`.

        They have segments, and a score of at least half their threshold. Segments of labels below that are seldom right
        in whole songs; they are in `segments` all the same.
        """
        heard = {segment.label for segment in self.segments}
        near = self.file_scores >= _NEAR * self.thresholds
        told = zip(self.labels, self.plays, near, strict=True)
        return [label for label, plays, is_near in told if label in heard and is_near and not plays]

    @cached_property
    def activity(self) -> Activity:
        """Scores over time on a grid as fine as the hop: the mean of the logits of the windows that cover an instant.

        Given as a score again; where one of these windows is silent, 0.
        Of a recognition with frames: their scores in cells of 0.1 s, smoothed as `segment_settings` say.
        Of a recognition without windows: the scores of the segments, 0 elsewhere.
        """
        if not len(self.starts):
            return activity_of_segments(self.known_segments or (), self.duration, self.labels)
        if self.frames is not None:
            return frame_activity(self.frames, self.duration, self.segment_settings)
        return activity(self.starts, self.ends, self.scores, self.hop_seconds)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Who plays when, in the order of `labels`, then of time.

        They are found in the activity over time, so a label can have segments though the whole file's score does not
        reach its threshold: it plays for a short while.
        """
        if self.known_segments is not None:
            return self.known_segments
        if self.frames is not None:
            return frame_segments(
                self.frames,
                self.starts,
                self.ends,
                self.scores,
                self.thresholds,
                self._shown_set,
                self.segment_settings,
                self.plays,
            )
        return segments(self.activity, self.thresholds, self._shown_set, self.segment_settings)

    @property
    def frame_scores(self) -> NDArray[np.float32] | None:
        """Scores at `frames.times`, shape (n_instants, n_labels); None without frames."""
        return None if self.frames is None else self.frames.scores

    def segments_of(self, label: str) -> tuple[Segment, ...]:
        """The segments of one label.

        Raises
        ------
        ValueError
            If it is not one of `labels`; says what may have been meant.
        """
        self._check(label)
        return tuple(segment for segment in self.segments if segment.label == label)

    def score(self, label: str) -> float:
        """The file's score of one label; raises as `segments_of`."""
        self._check(label)
        return float(self.file_scores[self.labels.index(label)])

    def _check(self, label: str) -> None:
        if label in self.labels:
            return
        self.label_set.check([label])
        raise ValueError(f"{label!r} is not one of the labels here: {', '.join(self.labels)}")

    def order(self) -> tuple[str, ...]:
        """The labels, each parent right before its children."""
        return tuple(label for label in self.label_set.order() if label in self.labels)

    def only(self, labels: Iterable[str]) -> Self:
        """The same with some of the labels, in the order of `labels`; what plays stays what it was.

        Parameters
        ----------
        labels : iterable of str
            Labels, or words that mean some (`LabelSet.find`): "guitar", "keys".

        Raises
        ------
        ValueError
            If there is none, or a word means none of the labels of this recognition.
        """
        words = [labels] if isinstance(labels, str) else list(labels)
        wanted = {label for word in words for label in self._meant(word)}
        if not wanted:
            raise ValueError("there must be at least one label, got none")
        kept = [i for i, label in enumerate(self.labels) if label in wanted]
        part = replace(
            self,
            labels=tuple(self.labels[i] for i in kept),
            scores=self.scores[:, kept],
            file_scores=self.file_scores[kept],
            thresholds=self.thresholds[kept],
            known_plays=self.plays[kept],
            known_segments=tuple(segment for segment in self.segments if segment.label in wanted),
            frames=None if self.frames is None else self.frames.columns(kept),
        )
        if self.frames is None:  # which windows are silent follows from all labels
            vars(part)["activity"] = Activity(self.activity.edges, self.activity.scores[:, kept])
        return part

    def without_brief(self) -> Self:
        """The same without the segments of labels that do not play in the file as a whole, only for a while."""
        playing = set(self.instruments)
        if all(segment.label in playing for segment in self.segments):
            return self
        kept = tuple(segment for segment in self.segments if segment.label in playing)
        return replace(self, known_plays=self.plays, known_segments=kept)

    def _meant(self, word: str) -> list[str]:
        if word in self.labels:
            return [word]
        found = [label for label in self.label_set.find(word) if label in self.labels]
        if not found:
            raise ValueError(f"{word!r} is not one of the labels here: {', '.join(self.labels)}")
        return found

    def refined(self, thresholds: Thresholds | None = None, settings: SegmentSettings | None = None) -> Self:
        """What follows from the same scores with other thresholds or segment settings.

        Parameters
        ----------
        thresholds : float, str, mapping or sequence, optional
            One for all labels, one of `presets`, some by label or word, or one a label; the others stay.
        settings : SegmentSettings, optional

        Raises
        ------
        ValueError
            If windows or labels are missing (read from JSON without windows, or after `only`), a threshold is not
            valid, or the model has no such preset.
        """
        if not len(self.starts) or self.labels != self.label_set.labels:
            raise ValueError(f"{self.source}: only a recognition with its windows and all labels can be refined")
        resolved = resolve_thresholds(self.label_set, self.thresholds, thresholds, self.presets)
        settings = self._resolved(settings or self.segment_settings)
        if settings == self.segment_settings and np.array_equal(resolved, self.thresholds):
            return self
        return replace(self, thresholds=resolved, segment_settings=settings, known_plays=None, known_segments=None)

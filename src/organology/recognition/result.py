"""What recognition gives: scores, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from organology.labels import LabelSet, default_set
from organology.recognition import interop, serialization
from organology.recognition.segments import Activity, Segment, SegmentSettings, activity, segments
from organology.recognition.thresholds import Thresholds, levels_of
from organology.taxonomy import LABELS, raise_families

if TYPE_CHECKING:
    import jams
    import pandas


@dataclass(frozen=True, eq=False)
class Recognition:
    r"""Which instruments play in a recording, and when.

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
    label_set : LabelSet
        That `labels` are of.

    Examples
    --------
    Eight windows of 4 s, 1 s apart; the violin plays in the first half:

    >>> starts = np.arange(8.0)
    >>> scores = np.zeros((8, 15), np.float32)
    >>> scores[:4, [LABELS.index("violin"), LABELS.index("bowed_string")]] = 0.9
    >>> recognition = Recognition("a.wav", 11.0, starts, starts + 4, scores, scores.max(axis=0), np.full(15, 0.5), 1.0)
    >>> recognition
    <Recognition a.wav (11.0 s): bowed_string, violin>
    >>> [(segment.label, segment.start, segment.end) for segment in recognition.segments]
    [('bowed_string', 0.0, 4.0), ('violin', 0.0, 4.0)]
    >>> recognition.only(["violin", "piano"]).instruments
    ['violin']
    >>> recognition.refined(thresholds={"violin": 0.95}).instruments
    ['bowed_string']
    >>> recognition.only(["violin"]).to_audacity()
    '0.000000\t4.000000\tviolin\n'
    >>> Recognition.from_json(recognition.to_json(decimals=None)).segments == recognition.segments
    True
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
    label_set: LabelSet = field(default_factory=default_set)

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
            return serialization.stepped(self.known_segments or (), self.duration, self.labels)
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

    def only(self, labels: Iterable[str]) -> Recognition:
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

    def refined(self, thresholds: Thresholds | None = None, settings: SegmentSettings | None = None) -> Recognition:
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

    def to_dict(self, timeline: bool = False, decimals: int | None = serialization.DECIMALS) -> dict[str, Any]:
        """As plain values, the form of one recording in the JSON that `organology recognize` writes.

        Parameters
        ----------
        timeline : bool
            Also the scores of every window.
        decimals : int or None
            Of times and scores; None: all digits, so that nothing changes on the way through `from_dict`.
        """
        return serialization.to_dict(self, timeline, decimals)

    def to_json(self, timeline: bool = False, decimals: int | None = serialization.DECIMALS) -> str:
        """As one line of JSON, the form of a line in JSON Lines; parameters as in `to_dict`."""
        return "".join(serialization.line(self, timeline, decimals))

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Recognition:
        """Read what `to_dict` gave. What plays and the segments are those that were written.

        Raises
        ------
        OrganologyError
            If it is not such, or of a version that this organology does not read.
        """
        return serialization.from_dict(values)

    @staticmethod
    def from_json(text: str) -> Recognition:
        """Read what `to_json` gave, a line of JSON Lines, or JSON with one recording; see `from_dict`."""
        return serialization.from_json(text)

    def to_jams(self) -> jams.JAMS:
        """As a JAMS object: `tag_open` for the file, `segment_open` for each label with segments.

        Raises
        ------
        OrganologyError
            If jams is not installed (`pip install organology[jams]`).
        """
        return interop.to_jams(self)

    def to_dataframe(self, what: Literal["segments", "windows", "labels"] = "segments") -> pandas.DataFrame:
        """As a pandas data frame.

        Parameters
        ----------
        what : {"segments", "windows", "labels"}
            Columns file, label, start, end, score; file, start, end and one a label; or file, label, family, score,
            threshold, plays.

        Raises
        ------
        OrganologyError
            If pandas is not installed (`pip install organology[pandas]`).
        """
        return interop.to_dataframe(self, what)

    def to_audacity(self) -> str:
        """The segments as an Audacity label track: `start, end, name` with tabs, in the order of time."""
        return interop.to_audacity(self)

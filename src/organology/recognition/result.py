"""What recognition gives: its data, and the forms in which other programs read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from organology.recognition import interop, serialization
from organology.recognition.data import RecognitionData
from organology.recognition.interop import notebook

if TYPE_CHECKING:
    import jams
    import pandas


@dataclass(frozen=True, eq=False, repr=False)
class Recognition(RecognitionData):
    r"""Which instruments play in a recording, and when; the attributes are those of `RecognitionData`.

    Examples
    --------
    Eight windows of 4 s, 1 s apart; the violin plays in the first half:

    >>> import numpy as np
    >>> from organology.labels import default_set
    >>> starts = np.arange(8.0)
    >>> scores = np.zeros((8, 15), np.float32)
    >>> scores[:4, [default_set().index("violin"), default_set().index("bowed_string")]] = 0.9
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

    def to_dict(self, timeline: bool = False, decimals: int | None = serialization.DECIMALS) -> dict[str, Any]:
        """As plain values, the form of one recording in the JSON that `organology recognize` writes.

        Parameters
        ----------
        timeline : bool
            Also the scores of every window and, where the model gives them, of every frame.
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
        return Recognition(**serialization.fields_from_dict(values))

    @staticmethod
    def from_json(text: str) -> Recognition:
        """Read what `to_json` gave, a line of JSON Lines, or JSON with one recording; see `from_dict`."""
        return Recognition.from_dict(serialization.recording_in(text))

    def to_jams(self) -> jams.JAMS:
        """As a JAMS object: `tag_open` for the file, `segment_open` for each label with segments.

        Raises
        ------
        OrganologyError
            If jams is not installed (the error says how to get it).
        """
        return interop.to_jams(self)

    def to_dataframe(self, what: Literal["segments", "windows", "frames", "labels"] = "segments") -> pandas.DataFrame:
        """As a pandas data frame.

        Parameters
        ----------
        what : {"segments", "windows", "frames", "labels"}
            Columns file, label, start, end, score; file, start, end and one a label; file, time and one a label; or
            file, label, family, score, threshold, plays.

        Raises
        ------
        ValueError
            If frames are asked for, and the model gives none.
        OrganologyError
            If pandas is not installed (the error says how to get it).
        """
        return interop.to_dataframe(self, what)

    def to_audacity(self) -> str:
        """The segments as an Audacity label track: `start, end, name` with tabs, in the order of time."""
        return interop.to_audacity(self)

    def _repr_html_(self) -> str:
        """The timeline, where a notebook shows the recognition."""
        return notebook.to_html(self)

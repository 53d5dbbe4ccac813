"""Recognition: an audio file -> windows -> scores -> who plays when, and the writers of it.

It needs neither torch nor anything of training: onnxruntime runs the model, which carries its labels, thresholds and
front end with it. Nothing touches the network; the shipped model is in the package.

Conventions
-----------
Times are seconds from the beginning of the file and come from counts of samples. Windows are as long as the model takes
them (4 s) and `hop_seconds` apart; the last one ends where the file ends. Scores are 0 ... 1, arrays of shape
(n_windows, n_labels) in the order of the label set; no label is below those that belong to it. A silent window (below
-70 dBFS) scores 0 and does not count for the file's scores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from organology.recognition.result import Recognition
from organology.recognition.segments import Activity, Segment, SegmentSettings

if TYPE_CHECKING:
    from organology.recognition.inference import BATCH_WINDOWS, SILENCE_DBFS
    from organology.recognition.recognizer import Recognizer

__all__ = [
    "BATCH_WINDOWS",
    "SILENCE_DBFS",
    "Activity",
    "Recognition",
    "Recognizer",
    "Segment",
    "SegmentSettings",
]


def __getattr__(name: str) -> Any:
    # Delayed, so that reading recognitions, as `organology find` does, does not load onnxruntime.
    if name in ("BATCH_WINDOWS", "SILENCE_DBFS"):
        from organology.recognition import inference

        return getattr(inference, name)
    if name == "Recognizer":
        from organology.recognition.recognizer import Recognizer

        return Recognizer
    raise AttributeError(f"module 'organology.recognition' has no attribute {name!r}")

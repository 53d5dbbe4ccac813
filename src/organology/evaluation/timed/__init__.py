"""When instruments play: segments of a recognizer against annotations with times."""

from organology.evaluation.timed.annotations import AnnotatedRecordings, is_annotations, read_annotations
from organology.evaluation.timed.counts import EventSettings, Intervals, count_cells, count_events
from organology.evaluation.timed.result import TimedEvaluation, evaluate_timed, timed_markdown

__all__ = [
    "AnnotatedRecordings",
    "EventSettings",
    "Intervals",
    "TimedEvaluation",
    "count_cells",
    "count_events",
    "evaluate_timed",
    "is_annotations",
    "read_annotations",
    "timed_markdown",
]

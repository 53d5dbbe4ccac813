"""The recognizers of a server: one open model, and the label sets that clients may ask it for."""

from __future__ import annotations

from organology.errors import ModelError
from organology.labels import label_sets
from organology.recognition.recognizer import Recognizer
from organology.recognition.views import ALL_LABELS
from organology.serving.problems import Problem


class Recognizers:
    """Recognizers by the name of their label set; safe to use from several threads.

    Parameters
    ----------
    default : Recognizer
        Of the labels that are given where a client names no set.

    Attributes
    ----------
    default : Recognizer
    all : Recognizer
        Of every label of the model.
    names : tuple of str
        The sets that a client may name.
    """

    def __init__(self, default: Recognizer) -> None:
        self.default = default
        self._known: dict[str, Recognizer] = {}
        for name in (ALL_LABELS, *label_sets()):
            try:
                self._known[name] = default.with_labels(name)
            except ModelError:  # the model can tell none of its labels
                continue
        self.all = self._known[ALL_LABELS]
        self.names = tuple(self._known)

    def of(self, labels: str) -> Recognizer:
        """The recognizer of a label set; the default one for "".

        Raises
        ------
        Problem
            422 if there is no such set. Names are never paths.
        """
        if not labels:
            return self.default
        if labels not in self._known:
            raise Problem(422, f"labels must be one of {', '.join(self.names)}, got {labels!r}")
        return self._known[labels]

    @property
    def tentative(self) -> tuple[str, ...]:
        """Labels that "all" has besides the default ones; none where the default is another set."""
        mine, every = self.default.label_set, self.all.metadata
        if mine != every.label_set.subset(label for label in every.labels if label not in every.tentative):
            return ()
        return every.tentative

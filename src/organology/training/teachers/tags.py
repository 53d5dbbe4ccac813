"""Published music taggers as teachers."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor

from organology.errors import ModelError
from organology.labels import PRESENT, UNKNOWN, LabelSet, Vocabulary
from organology.model.taggers.musicnn import MusicTagger
from organology.training.teachers.tag_sets import TAG_SETS


class TagTeacher:
    """Logits of the labels of a set from a published music tagger; it never learns and is in no checkpoint.

    A label is read from the tags in which it is present by the vocabulary of the tag set; if there are none, from those
    that leave it unknown ("bass" for electric bass). It is the highest of their logits.

    Parameters
    ----------
    path : path-like
        Published weights of musicnn.
    label_set : LabelSet
        The student's.
    only : sequence of str, optional
        Labels to read; default: all that it has tags for.
    tags : str
        Name of the tag set that it was trained on, one of `TAG_SETS`.

    Attributes
    ----------
    knows : bool tensor, shape (n_labels,)
        The labels that are read.

    Raises
    ------
    ModelError
        If the file cannot be used, or it has no tag for one of `only`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        label_set: LabelSet,
        only: Sequence[str] = (),
        tags: str = "mtg-jamendo",
    ) -> None:
        self._table = tag_table(label_set, tags)
        has_tag = dict(zip(label_set.labels, map(bool, self._table), strict=True))
        for label in label_set.check(only):
            if not has_tag[label]:
                raise ModelError(f"{path}: the tagger has no tag for {label!r}")
        self.knows = torch.tensor([known and (not only or label in only) for label, known in has_tag.items()])
        self._tagger = MusicTagger.from_published(path).requires_grad_(False)

    @torch.no_grad()
    def logits(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at 32 kHz -> (batch, n_labels); 0 where none is read."""
        self._tagger.to(waveform.device).eval()
        with torch.autocast(waveform.device.type, enabled=False):
            tags = self._tagger(waveform.float())
        read = [tags[:, one].amax(1) if one else torch.zeros_like(tags[:, 0]) for one in self._table]
        return torch.stack(read, 1) * self.knows.to(waveform.device)


def tag_table(label_set: LabelSet, tags: str = "mtg-jamendo") -> list[list[int]]:
    """For each label, the numbers of the 50 tags that it is read from."""
    tag_set = TAG_SETS[tags]
    entries = Vocabulary.load(tag_set.vocabulary).entries
    names = tag_set.words() or tuple(entries)
    vectors = [entries[name].encode(label_set) if name in entries else None for name in names]
    table = []
    for column in range(len(label_set)):
        by_state = {
            state: [i for i, vector in enumerate(vectors) if vector is not None and vector[column] == state]
            for state in (PRESENT, UNKNOWN)
        }
        table.append(by_state[PRESENT] or by_state[UNKNOWN])
    return table

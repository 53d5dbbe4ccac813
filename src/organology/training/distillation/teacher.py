"""Published taggers as teachers: of AudioSet, of MTG-Jamendo."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from organology.corpora.readers.jamendo import TAGS
from organology.errors import ModelError
from organology.model import AudioSetTagger
from organology.model.taggers.audioset import ZeroShot
from organology.model.taggers.musicnn import MusicTagger
from organology.taxonomy import LABELS, PRESENT, UNKNOWN, Vocabulary
from organology.training.memory_format import channels_last


@cache
def audioset_labels() -> tuple[str, ...]:
    """Names of the 527 AudioSet labels, in the order of the tagger's scores."""
    return tuple(Vocabulary.load("audioset").entries)


class AudioSetTeacher:
    """Scores of the 527 AudioSet labels from the published weights; it never learns and is in no checkpoint.

    It computes in float32, under autocast too.

    Parameters
    ----------
    path : path-like
        The published `.pt` file of EfficientAT mn04_as.

    Raises
    ------
    ModelError
        If the file cannot be used.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._tagger = AudioSetTagger.from_published(path).requires_grad_(False)
        channels_last(self._tagger.backbone)

    @torch.no_grad()
    def logits(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at 32 kHz -> (batch, 527), on the waveform's device."""
        self._tagger.to(waveform.device).eval()
        with torch.autocast(waveform.device.type, enabled=False):
            logits: Tensor = self._tagger(waveform.float())
        return logits

    def scores(self, waveform: Tensor) -> Tensor:
        """Probabilities: waveform (batch, samples) at 32 kHz -> (batch, 527), on the waveform's device."""
        return self.logits(waveform).sigmoid()

    def describe(self) -> dict[str, Any]:
        """What it is, for the provenance: model, file and its hash, number of labels."""
        return {
            "model": "EfficientAT mn04_as (Schmid, Koutini and Widmer, 2023), AudioSet",
            "file": self.path.name,
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "labels": len(audioset_labels()),
        }


Tags = Literal["mtg-jamendo", "magnatagatune"]
"""Whose 50 top tags a music tagger knows."""


class TagTeacher:
    """What a published music tagger says of our labels; it never learns and is in no checkpoint.

    A label is read from the tags in which the vocabulary (`mtg_jamendo_instrument`, `magnatagatune_top50`) has it as
    present; if there are none, from those that leave it open ("bass" for electric bass). It is the highest of their
    logits.

    Parameters
    ----------
    path : path-like
        Published weights of musicnn.
    labels : sequence of str
        The student's outputs, in order.
    told : sequence of str, optional
        Labels that the tagger may speak of; default: all that it has tags for.
    tags : {"mtg-jamendo", "magnatagatune"}
        What it was trained on.

    Attributes
    ----------
    says : bool tensor, shape (n_labels,)
        Of which labels it says something.

    Raises
    ------
    ModelError
        If the file cannot be used, or it has no tag for one of `told`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        labels: Sequence[str] = LABELS,
        told: Sequence[str] = (),
        tags: Tags = "mtg-jamendo",
    ) -> None:
        self._tagger = MusicTagger.from_published(path).requires_grad_(False)
        table = tag_table(labels, tags)
        without = [label for label, tags in zip(labels, table, strict=True) if not tags]
        for label in told:
            if label in without:
                raise ModelError(f"{path}: the tagger has no tag for {label!r}")
        self.says = torch.tensor([label not in without and (not told or label in told) for label in labels])
        self._table = table

    @torch.no_grad()
    def logits(self, waveform: Tensor) -> Tensor:
        """Logits: waveform (batch, samples) at 32 kHz -> (batch, n_labels); 0 where it says nothing."""
        self._tagger.to(waveform.device).eval()
        with torch.autocast(waveform.device.type, enabled=False):
            tags = self._tagger(waveform.float())
        read = [tags[:, one].amax(1) if one else torch.zeros_like(tags[:, 0]) for one in self._table]
        return torch.stack(read, 1) * self.says.to(waveform.device)


def tag_table(labels: Sequence[str] = LABELS, tags: Tags = "mtg-jamendo") -> list[list[int]]:
    """For each label, the numbers of the 50 tags that it is read from."""
    if tags == "mtg-jamendo":
        entries = Vocabulary.load("mtg_jamendo_instrument").entries
        names = [tag.removeprefix("instrument---") for tag in TAGS]
    else:  # the rows of this vocabulary are in the order of the tags
        entries = Vocabulary.load("magnatagatune_top50").entries
        names = list(entries)
    vectors = [entries[name].labels if name in entries else None for name in names]
    table = []
    for label in labels:
        column = LABELS.index(label)
        by_state = {
            state: [i for i, vector in enumerate(vectors) if vector is not None and vector[column] == state]
            for state in (PRESENT, UNKNOWN)
        }
        table.append(by_state[PRESENT] or by_state[UNKNOWN])
    return table


class Teacher:
    """Scores of our labels from the published weights; see `AudioSetTeacher`.

    Parameters
    ----------
    path : path-like
        The published `.pt` file of EfficientAT mn04_as.
    labels : sequence of str
        The student's outputs, in order.

    Raises
    ------
    ModelError
        If the file cannot be used, or a label is not one that the tagger can be read for.
    """

    def __init__(self, path: str | os.PathLike[str], labels: Sequence[str] = LABELS) -> None:
        unknown = [label for label in labels if label not in LABELS]
        if unknown:
            raise ModelError(f"{path}: the teacher knows nothing of {unknown[0]!r}")
        self._teacher = AudioSetTeacher(path)
        self._read = ZeroShot(labels)

    @torch.no_grad()
    def scores(self, waveform: Tensor) -> Tensor:
        """Probabilities: waveform (batch, samples) -> (batch, n_labels), on the waveform's device."""
        scores: Tensor = self._read.to(waveform.device)(self._teacher.scores(waveform))
        return scores
